/** ONNX Runtime sessions of a bundle's graphs, each made once, on first use. */

import { BundleError, reason } from "./errors.js";

/**
 * Where a bundle comes from and what runs it: a folder with onnxruntime-node, a URL with onnxruntime-web.
 * @typedef {object} Host
 * @property {string} name The bundle, for errors.
 * @property {(file: string) => Promise<Uint8Array>} read A file of the bundle, checked against the manifest.
 * @property {(file: string) => Promise<Loaded>} session A session of a graph.
 * @property {(text: string, where: string, maxLength: number | null) => Promise<Tokenizer>} tokenizer A tokenizer, from
 *   the content of tokenizer.json.
 * @property {import("./gpu.js").Device} [device] What sessions run on, where that can change.
 */

/**
 * Turns texts into token ids.
 * @typedef {object} Tokenizer
 * @property {(texts: string[], route: import("./manifest.js").Route) => Promise<number[][]>} ids The token ids of each
 *   text, with the route's prompt in front, cut to the tokenizer's length.
 * @property {number} padId What shorter rows of a batch are filled with.
 */

/**
 * A session, and ONNX Runtime's class of tensors.
 * @typedef {object} Loaded
 * @property {import("onnxruntime-common").InferenceSession} session
 * @property {new (type: any, data: any, dims: readonly number[]) => any} Tensor
 */

/** @typedef {{type: string, data: any, dims: readonly number[]}} Input */

/** Runs the graphs of a bundle, one run at a time. */
export class Sessions {
  /** @param {Host} host */
  constructor(host) {
    this._host = host;
    /** @type {Map<string, Promise<Loaded>>} */
    this._sessions = new Map();
    /** @type {Promise<unknown>} */
    this._last = Promise.resolve();
  }

  /** The bundle, for errors. */
  get name() {
    return this._host.name;
  }

  /**
   * @param {string} graph
   * @param {Record<string, Input>} inputs
   * @param {string[]} wanted Names of the outputs to return.
   * @returns {Promise<Record<string, import("./outputs.js").Tensor>>}
   * @throws {BundleError} If the graph cannot be loaded, has other inputs or no such output, or fails.
   */
  async run(graph, inputs, wanted) {
    const { session, Tensor } = await this._session(graph);
    const [taken, given] = [session.inputNames, session.outputNames];
    if (taken.length !== Object.keys(inputs).length || !taken.every((name) => name in inputs)) {
      throw new BundleError(`${this.name}: ${graph} takes ${taken.join(", ")}, not ${Object.keys(inputs).join(", ")}`);
    }
    if (!wanted.every((name) => given.includes(name))) {
      throw new BundleError(`${this.name}: ${graph} gives ${given.join(", ")}, not ${wanted.join(", ")}`);
    }
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
    );
    // The wasm of onnxruntime-web is one machine: a second run must not enter before the first has left.
    const turn = this._last.then(() => session.run(feeds, wanted));
    this._last = turn.catch(() => {});
    try {
      return /** @type {any} */ (await turn);
    } catch (error) {
      const shapes = Object.entries(inputs).map(([name, { dims }]) => `${name} [${dims.join(", ")}]`);
      throw new BundleError(`${this.name}: ${graph} failed on ${shapes.join(", ")}: ${reason(error)}`, {
        cause: error,
      });
    }
  }

  /** Load a graph before it is run, while something else is read. @param {string} graph */
  async load(graph) {
    await this._session(graph);
  }

  /** @param {string} graph @returns {Promise<string[]>} The names of a graph's outputs. */
  async outputs(graph) {
    return [...(await this._session(graph)).session.outputNames];
  }

  /** Give the memory back; the next run loads again. */
  async release() {
    const sessions = [...this._sessions.values()];
    this._sessions.clear();
    await this._last;
    for (const session of await Promise.allSettled(sessions)) {
      if (session.status === "fulfilled") await session.value.session.release();
    }
  }

  /** @param {string} graph @returns {Promise<Loaded>} */
  _session(graph) {
    const known = this._sessions.get(graph);
    if (known) return known;
    const made = this._host.session(graph);
    this._sessions.set(graph, made);
    made.catch(() => this._sessions.delete(graph)); // what failed to load may load the next time
    return made;
  }
}
