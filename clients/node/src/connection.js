/** Requests to a Triton server over fetch, and what goes wrong with them as errors of ours. */

import { InputError, ModelNotFoundError, reason, ServerError, UnreachableError } from "./errors.js";
import { JSON_LENGTH, request, response } from "./kserve.js";

const SHOWN = 80;
const [FIRST_PAUSE, LONGEST_PAUSE] = [0.1, 2];

/** How a client talks to its server, as in Python: seconds of one request, how often it is sent again, how many at once. */
export const DEFAULTS = Object.freeze({ timeout: 30, retries: 6, concurrency: 4 });

/**
 * The seconds to wait before each retry: doubling, and random, or all clients would come at once.
 * @param {number} retries
 * @param {() => number} [share] What part of the pause to take.
 * @returns {Generator<number>}
 */
export function* pauses(retries, share = () => 0.75 + Math.random() / 4) {
  for (let attempt = 0; attempt < retries; attempt += 1)
    yield Math.min(FIRST_PAUSE * 2 ** attempt, LONGEST_PAUSE) * share();
}

/** One server; requests to it fail with an InputError or a ServerError and nothing else. */
export class Connection {
  /**
   * @param {string} url
   * @param {Record<string, string>} headers Sent with every request.
   * @param {{timeout: number, retries: number, concurrency: number}} limits As in DEFAULTS.
   * @throws {InputError} If the URL is not an HTTP one.
   */
  constructor(url, headers, { timeout, retries, concurrency }) {
    this.url = checkedUrl(url);
    this._headers = headers;
    this._timeout = timeout;
    this._retries = retries;
    this._slots = concurrency;
    /** @type {(() => void)[]} */
    this._waiting = [];
    /** @type {Map<string, Promise<any>>} */
    this._configs = new Map();
  }

  /**
   * @param {string} model
   * @param {object[]} inputs
   * @returns {Promise<Record<string, import("./outputs.js").Tensor>>}
   */
  async infer(model, inputs) {
    return this._attempts(() => this._infer(model, inputs));
  }

  /** @param {string} model @param {object[]} inputs */
  async _infer(model, inputs) {
    const answer = await this._fetch(model, "/infer", { method: "POST", body: request(inputs) });
    const length = answer.headers.get(JSON_LENGTH);
    try {
      return response(await this._body(answer), length === null ? null : Number(length));
    } catch (error) {
      throw unreadable(error, this.url);
    }
  }

  /**
   * @param {string} model
   * @returns {Promise<{maxBatchSize: number, outputs: string[], lastStep: string | null}>} The last step is that of an
   *   ensemble.
   */
  async config(model) {
    const known = this._configs.get(model) ?? this._attempts(() => this._config(model));
    this._configs.set(model, known);
    known.catch(() => this._configs.delete(model));
    return known;
  }

  /** @param {string} model */
  async _config(model) {
    const answer = await this._fetch(model, "/config", {});
    try {
      const config = JSON.parse(new TextDecoder().decode(await this._body(answer)));
      return {
        maxBatchSize: Math.max(1, config.max_batch_size),
        lastStep: config.ensemble_scheduling?.step?.at(-1)?.model_name ?? null,
        outputs: config.output.map((/** @type {{name: string}} */ { name }) => name),
      };
    } catch (error) {
      throw unreadable(error, this.url);
    }
  }

  /**
   * Ask again after the connection was lost or the server said that it is unavailable; nothing else is sent again.
   * @template Out
   * @param {() => Promise<Out>} ask
   * @returns {Promise<Out>}
   */
  async _attempts(ask) {
    if (this._slots > 0) this._slots -= 1;
    else await new Promise((resolve) => this._waiting.push(() => resolve(undefined)));
    try {
      for (const pause of pauses(this._retries)) {
        try {
          return await ask();
        } catch (error) {
          if (!(error instanceof UnreachableError) || isTimeout(error.cause)) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
      }
      return await ask();
    } finally {
      const next = this._waiting.shift();
      if (next) next();
      else this._slots += 1;
    }
  }

  /** @param {string} model @param {string} what @param {RequestInit} init @returns {Promise<Response>} */
  async _fetch(model, what, init) {
    const signal = AbortSignal.timeout(this._timeout * 1000);
    let answer;
    try {
      answer = await fetch(`${this.url}/v2/models/${encodeURIComponent(model)}${what}`, {
        ...init,
        headers: this._headers,
        signal,
      });
    } catch (error) {
      throw this._unreachable(error);
    }
    if (!answer.ok) throw await this._refusal(answer, model);
    return answer;
  }

  /** @param {Response} answer @returns {Promise<ArrayBuffer>} */
  async _body(answer) {
    try {
      return await answer.arrayBuffer();
    } catch (error) {
      throw this._unreachable(error);
    }
  }

  /** @param {unknown} error @returns {UnreachableError} */
  _unreachable(error) {
    if (isTimeout(error)) {
      return new UnreachableError(
        `${this.url} gave no answer within ${this._timeout} s: try again, send less at once, or raise timeout`,
        { cause: error },
      );
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return new UnreachableError(`${this.url} cannot be reached (${reason(cause)}): is the server running there?`, {
      cause: error,
    });
  }

  /** @param {Response} answer @param {string} model @returns {Promise<Error>} */
  async _refusal(answer, model) {
    const text = new TextDecoder().decode(await this._body(answer));
    let said;
    try {
      said = JSON.parse(text).error;
    } catch {
      said = undefined;
    }
    if (typeof said !== "string") {
      const status = `${this.url} answers HTTP ${answer.status}: ${text.slice(0, SHOWN).replace(/\s+/g, " ")}`;
      return answer.status === 503
        ? new UnreachableError(status)
        : new ServerError(`${status}; is it a Triton server?`);
    }
    if (answer.status === 404) return new ModelNotFoundError(`${this.url} has no model '${model}': ${said}`);
    if (answer.status === 503) return new UnreachableError(`${this.url} is unavailable: ${said}; try again later`);
    if (answer.status === 400) return new InputError(`${this.url} rejected the request: ${said}`);
    return new ServerError(`${this.url} failed with HTTP ${answer.status}: ${said}`);
  }
}

/** @param {unknown} error @returns {boolean} */
function isTimeout(error) {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** @param {unknown} error @param {string} url @returns {Error} */
function unreadable(error, url) {
  if (error instanceof ServerError) return error;
  return new ServerError(`${url} gave an answer that cannot be read (${reason(error)}): is it a Triton server?`, {
    cause: error,
  });
}

/** @param {string} url @returns {string} Without a slash at the end. */
function checkedUrl(url) {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || !["http:", "https:"].includes(parsed.protocol)) {
    throw new InputError(`'${url}' is not an address of a server over HTTP: give one like http://localhost:8000`);
  }
  return parsed.href.replace(/\/+$/, "");
}
