/** Encode and decode on a Triton server, over fetch and the KServe v2 protocol; no dependencies. */

import { Connection, DEFAULTS } from "./connection.js";
import { InputError, reason, ServerError, SparseClientError } from "./errors.js";
import { textInput, tokenInputs } from "./kserve.js";
import { rows, toHybrid, toPadded, toPairs, toVectors } from "./outputs.js";
import { featureLabel, overlap } from "./overlap.js";
import { checkedTexts, checkedTokenIds, checkText, count } from "./texts.js";
import { checkedVectors, kindOf, SparseVector } from "./vectors.js";
import { verifyVectors } from "./verification.js";

/**
 * @typedef {object} ClientOptions
 * @property {string} model The name that the bundle has on the server.
 * @property {Record<string, string>} [headers] Sent with every request, such as `{authorization: "Bearer ..."}`.
 * @property {number} [timeout] Seconds that one request may take, 30 if absent.
 * @property {number} [retries] How often a request is sent again after the connection was lost or the server said that it
 *   is unavailable, 6 if absent: some 5 s. Nothing else is sent again.
 * @property {number} [concurrency] Requests under way at the same time, 4 if absent.
 * @property {number} [batchSize] Texts per request; what the server takes at most if absent.
 * @property {number} [maxActiveDims] Keep only this many dimensions, those of the largest absolute weight.
 */

/** Encode texts on a Triton server with the methods of `LocalEncoder`. */
export class SparseClient {
  /**
   * @param {string} url The server, such as `http://localhost:8000`.
   * @param {ClientOptions} options
   * @throws {InputError} If the URL, the name or a number cannot be used.
   */
  constructor(url, options) {
    const { model, headers = {}, timeout = DEFAULTS.timeout, retries = DEFAULTS.retries, concurrency } = options ?? {};
    if (typeof model !== "string" || !model || model.includes("/")) {
      throw new InputError(`model is ${JSON.stringify(model)}, expected the name of a bundle on the server`);
    }
    if (!(timeout > 0)) throw new InputError(`timeout is ${timeout}, expected more than 0 seconds`);
    if (!Number.isInteger(retries) || retries < 0) throw new InputError(`retries is ${retries}, expected 0 or more`);
    this._concurrency = /** @type {number} */ (count("concurrency", concurrency, DEFAULTS.concurrency));
    this._connection = new Connection(url, headers, { timeout, retries, concurrency: this._concurrency });
    this._model = model;
    this._batchSize = count("batchSize", options.batchSize, Infinity);
    this._most = count("maxActiveDims", options.maxActiveDims, null);
  }

  /**
   * Encode documents.
   * @template {boolean} [D=false]
   * @param {string[]} texts
   * @param {{dense?: D}} [options] With dense, give the dense embeddings of a bundle exported with --with-dense, too.
   * @returns {Promise<D extends true ? import("./outputs.js").Hybrid : SparseVector[]>} One vector per text, in the
   *   order of the texts, each sorted by falling weight.
   * @throws {InputError} If it is not a list of texts, one has a lone surrogate, or the server rejects one.
   * @throws {ServerError} If the server cannot be reached, has no such model, or fails.
   */
  async encodeDocuments(texts, { dense } = {}) {
    const checked = checkedTexts(texts);
    return /** @type {any} */ (dense ? this._hybrid(checked, "document") : this._encode(checked, "document"));
  }

  /**
   * Encode queries, with the bundle's query route.
   * @template {boolean} [D=false]
   * @param {string[]} texts
   * @param {{dense?: D}} [options]
   * @returns {Promise<D extends true ? import("./outputs.js").Hybrid : SparseVector[]>}
   */
  async encodeQueries(texts, { dense } = {}) {
    const checked = checkedTexts(texts);
    return /** @type {any} */ (dense ? this._hybrid(checked, "query") : this._encode(checked, "query"));
  }

  /**
   * Encode token ids, such as another tokenizer made: prompt and special tokens included, cut to the length.
   * @param {number[][]} rows The token ids of each text.
   * @param {"document" | "query"} [route]
   * @returns {Promise<SparseVector[]>} One vector per row, in their order.
   */
  async encodeTokenIds(rows, route = "document") {
    const checked = checkedTokenIds(rows, null);
    const model = (await this._connection.config(this._name(route))).lastStep ?? this._name(route);
    return this._inBatches(checked, model, async (batch) => {
      const outputs = await this._connection.infer(model, tokenInputs(batch));
      return this._checked(() => toVectors(outputs, this._most), batch.length);
    });
  }

  /**
   * Name the strongest dimensions of each vector.
   * @param {SparseVector[]} vectors
   * @param {{top?: number | null}} [options] How many dimensions of each, null for all; 10 if absent.
   * @returns {Promise<[token: string, weight: number][][]>}
   * @throws {SparseClientError} If the dimensions of this model have no names.
   */
  async decode(vectors, { top = 10 } = {}) {
    const checked = checkedVectors(vectors).map((vector) => vector.top(top ?? vector.length));
    await this._require("tokens", "its dimensions are features, which have no words: reconstruct(vectors)");
    const named = await this._decode(checked, "tokens");
    return checked.map((vector, at) => Array.from(vector.values, (value, rank) => [named[at][rank], value]));
  }

  /**
   * Turn the features of a csr bundle back into the dense embeddings that they stand for.
   * @param {SparseVector[]} vectors
   * @returns {Promise<Float32Array[]>}
   */
  async reconstruct(vectors) {
    const checked = checkedVectors(vectors);
    await this._require("embedding", "its dimensions are tokens: decode(vectors)");
    return this._decode(checked, "embedding");
  }

  /**
   * Tell what makes the score of a query and a document, see `LocalEncoder.explain`.
   * @param {string | SparseVector} query
   * @param {string | SparseVector} document
   * @param {{top?: number | null}} [options] How many dimensions to return; all if absent.
   * @returns {Promise<import("./overlap.js").Contribution[]>}
   */
  async explain(query, document, { top = null } = {}) {
    const sides = await Promise.all([this._vector(query, "query"), this._vector(document, "document")]);
    const shared = overlap(...sides);
    const shown = shared.slice(0, count("top", top, shared.length));
    const labels = await this._labels(shown.map(({ index }) => index));
    return shown.map(({ contribution, share }, at) => ({ label: labels[at], contribution, share }));
  }

  /**
   * Replay a bundle's golden vectors through the server.
   * @param {import("./encoder.js").Encoder} bundle The bundle that the server is said to serve, loaded.
   * @returns {Promise<Record<string, import("./parity.js").Parity>>}
   * @throws {BundleError} If the server's vectors differ by more than the precision promises.
   */
  async verify(bundle) {
    return verifyVectors(bundle, this);
  }

  /** @param {string[]} texts @param {string} route @returns {Promise<import("./outputs.js").Hybrid>} */
  async _hybrid(texts, route) {
    const model = this._name(route);
    if (!(await this._connection.config(model)).outputs.includes("dense")) {
      throw new SparseClientError(
        `${this._connection.url}, model '${model}' gives no dense embeddings: export its bundle with --with-dense`,
      );
    }
    return toHybrid(await this._rows(texts, route, toPairs));
  }

  /** @param {string[]} texts @param {string} route @returns {Promise<SparseVector[]>} */
  async _encode(texts, route) {
    return this._rows(texts, route, toVectors);
  }

  /**
   * @template Row
   * @param {string[]} texts
   * @param {string} route
   * @param {(outputs: any, most: number | null) => Row[]} read
   * @returns {Promise<Row[]>}
   */
  async _rows(texts, route, read) {
    return this._inBatches(texts, this._name(route), async (batch) => {
      const outputs = await this._connection.infer(this._name(route), textInput(batch));
      return this._checked(() => read(outputs, this._most), batch.length);
    });
  }

  /** @param {SparseVector[]} vectors @param {string} output @returns {Promise<any[]>} */
  async _decode(vectors, output) {
    return this._inBatches(vectors, this._name("decode"), async (batch) => {
      const { indices, values, dims } = toPadded(batch);
      const outputs = await this._connection.infer(this._name("decode"), [
        { name: "indices", datatype: "INT32", shape: dims, data: [...indices] },
        { name: "values", datatype: "FP32", shape: dims, data: [...values] },
      ]);
      return this._checked(() => rows(outputs[output]), batch.length);
    });
  }

  /**
   * Send as much as the server takes at once, several batches side by side.
   * @template In, Out
   * @param {In[]} items
   * @param {string} model
   * @param {(batch: In[]) => Promise<Out[]>} send
   * @returns {Promise<Out[]>} In the order of the items.
   */
  async _inBatches(items, model, send) {
    if (items.length === 0) return [];
    const size = Math.min(this._batchSize, (await this._connection.config(model)).maxBatchSize);
    const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, batch) => batch * size);
    /** @type {Out[][]} */
    const found = new Array(starts.length);
    const pending = starts.entries();
    const worker = async () => {
      for (const [at, start] of pending) found[at] = await send(items.slice(start, start + size));
    };
    await Promise.all(Array.from({ length: Math.min(this._concurrency, starts.length) }, worker));
    return found.flat();
  }

  /**
   * @template Out
   * @param {() => Out[]} read
   * @param {number} expected
   * @returns {Out[]}
   * @throws {ServerError} If what came back is not what was asked for.
   */
  _checked(read, expected) {
    let found;
    try {
      found = read();
    } catch (error) {
      throw new ServerError(`${this._connection.url} gave outputs that cannot be read (${reason(error)})`);
    }
    if (found.length === expected) return found;
    throw new ServerError(`${this._connection.url} gave ${found.length} rows for ${expected} inputs`);
  }

  /** @param {unknown} given @param {"query" | "document"} route @returns {Promise<SparseVector>} */
  async _vector(given, route) {
    if (given instanceof SparseVector) return given;
    if (typeof given !== "string")
      throw new InputError(`${route} is ${kindOf(given)}, expected a text or a SparseVector`);
    checkText(given, route);
    return (await this._encode([given], route))[0];
  }

  /** @param {number[]} dimensions @returns {Promise<string[]>} */
  async _labels(dimensions) {
    const { outputs } = await this._connection.config(this._name("decode"));
    if (!outputs.includes("tokens")) return dimensions.map(featureLabel);
    const [named] = await this._decode(
      [
        new SparseVector(
          dimensions,
          dimensions.map(() => 1),
        ),
      ],
      "tokens",
    );
    return named.slice(0, dimensions.length);
  }

  /** @param {string} output @param {string} otherwise */
  async _require(output, otherwise) {
    const { outputs } = await this._connection.config(this._name("decode"));
    if (outputs.includes(output)) return;
    throw new SparseClientError(
      `${this._connection.url}, model '${this._name("decode")}' gives ${outputs.join(", ")}, not ${output}; ${otherwise}`,
    );
  }

  /** @param {string} part @returns {string} */
  _name(part) {
    return `${this._model}_${part}`;
  }
}
