/** Encode and decode in this process, from a bundle; the same for Node and the browser. */

import { DECODE, Decoder } from "./decoding.js";
import { Encoding } from "./encoding.js";
import { BundleError, InputError } from "./errors.js";
import { isLookedUp, TABLE } from "./lookup.js";
import { factsOf } from "./nodes.js";
import { toHybrid, toPairs, toVectors, WANTED, WANTED_HYBRID } from "./outputs.js";
import { featureLabel, overlap } from "./overlap.js";
import { Sessions } from "./sessions.js";
import { checkedTexts, checkedTokenIds, checkText, count } from "./texts.js";
import { checkedVectors, kindOf, SparseVector } from "./vectors.js";
import { GOLDEN, parseGolden, verifyVectors } from "./verification.js";

/**
 * @typedef {object} EncoderOptions
 * @property {number} [threads] Threads that one run of a graph uses; ONNX Runtime's choice if absent.
 * @property {number} [maxActiveDims] Keep only this many dimensions, those of the largest absolute weight.
 * @property {number} [batchSize] Texts per run of a graph, at most; 32 if absent. Long texts are run a few at a time.
 */

/** Encode texts with the graphs of a bundle. Graphs are loaded on first use. */
export class Encoder {
  /**
   * @param {import("./sessions.js").Host} host
   * @param {import("./manifest.js").Manifest} manifest
   * @param {EncoderOptions} options
   */
  constructor(host, manifest, options) {
    this._host = host;
    this._manifest = manifest;
    this._most = count("maxActiveDims", options.maxActiveDims, null);
    this._batchSize = count("batchSize", options.batchSize, 32);
    this._sessions = new Sessions(host);
    this._decoder = new Decoder(manifest, this._sessions, this._batchSize);
    this._encoding = new Encoding(host, manifest, this._sessions, this._batchSize, this._most);
  }

  /** Where the bundle is. */
  get name() {
    return this._host.name;
  }

  /** Size of the vector space: every index is smaller. */
  get dimension() {
    return this._manifest.dimension;
  }

  /** What the manifest says. */
  get manifest() {
    return this._manifest;
  }

  /** The files that encoding and naming dimensions read, each once. @returns {string[]} */
  get needed() {
    const { files, routes } = this._manifest;
    const parts = Object.values(routes).flatMap((route) => [
      isLookedUp(route, files) ? TABLE : route.graph,
      route.tokenizer,
    ]);
    return [...new Set([...parts, GOLDEN, DECODE])].filter((name) => name !== null).filter((name) => name in files);
  }

  /**
   * Encode documents.
   * @template {boolean} [D=false]
   * @param {string[]} texts
   * @param {{dense?: D}} [options] With dense, give the dense embeddings of a bundle exported with --with-dense, too.
   * @returns {Promise<D extends true ? import("./outputs.js").Hybrid : SparseVector[]>} One vector per text, in the
   *   order of the texts, each sorted by falling weight.
   * @throws {InputError} If it is not a list of texts, or one has a lone surrogate.
   * @throws {BundleError} If the bundle cannot do it.
   */
  async encodeDocuments(texts, { dense } = {}) {
    const checked = checkedTexts(texts);
    return /** @type {any} */ (dense ? this._hybrid(checked, "document") : this._encode(checked, "document"));
  }

  /**
   * Encode queries. Where the bundle has a table of query weights, it is looked up and no graph is run.
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
   * @throws {InputError} If it is not a list of such rows, or one is longer than the bundle's maxLength.
   */
  async encodeTokenIds(rows, route = "document") {
    const checked = checkedTokenIds(rows, this._encoding.route(route).maxLength);
    return this._encoding.rowsOfIds(checked, route, 0, this._wanted(), toVectors); // no model looks at padding
  }

  /**
   * Name the strongest dimensions of each vector.
   * @param {SparseVector[]} vectors
   * @param {{top?: number | null}} [options] How many dimensions of each, null for all; 10 if absent.
   * @returns {Promise<[token: string, weight: number][][]>} For each vector its tokens, by falling weight.
   * @throws {InputError} If a vector is not of this bundle's space.
   * @throws {BundleError} If the dimensions of this bundle have no names.
   */
  async decode(vectors, { top = 10 } = {}) {
    const checked = checkedVectors(vectors, this.dimension);
    return this._decoder.tokens(checked.map((vector) => vector.top(top ?? vector.length)));
  }

  /**
   * Turn the features of a csr bundle back into the dense embeddings that they stand for.
   * @param {SparseVector[]} vectors
   * @returns {Promise<Float32Array[]>}
   * @throws {BundleError} If the dimensions of this bundle are tokens, not features.
   */
  async reconstruct(vectors) {
    return this._decoder.embeddings(checkedVectors(vectors, this.dimension));
  }

  /**
   * Tell what makes the score of a query and a document, the strongest first.
   * @param {string | SparseVector} query
   * @param {string | SparseVector} document
   * @param {{top?: number | null}} [options] How many dimensions to return; all if absent.
   * @returns {Promise<import("./overlap.js").Contribution[]>}
   */
  async explain(query, document, { top = null } = {}) {
    const shared = overlap(await this._vector(query, "query"), await this._vector(document, "document"));
    const shown = shared.slice(0, count("top", top, shared.length));
    const labels = await this.labels(shown.map(({ index }) => index));
    return shown.map(({ contribution, share }, at) => ({ label: labels[at], contribution, share }));
  }

  /**
   * Name dimensions.
   * @param {number[]} dimensions
   * @returns {Promise<string[]>} The token of each, or `feature 123` where the bundle knows no tokens.
   */
  async labels(dimensions) {
    if (!(await this._decoder.hasTokens())) return dimensions.map(featureLabel);
    const distinct = [...new Set(dimensions)];
    const [named] = await this._decoder.tokens([
      new SparseVector(
        distinct,
        distinct.map(() => 1),
      ),
    ]);
    const names = new Map(named.map(([token], at) => [distinct[at], token]));
    return dimensions.map((dimension) => /** @type {string} */ (names.get(dimension)));
  }

  /**
   * The token ids that the graph of a route sees, prompt and special tokens included.
   * @param {string} text
   * @param {"document" | "query"} [route]
   * @returns {Promise<number[]>}
   */
  async tokenIds(text, route = "document") {
    checkText(text, "text");
    const entry = this._encoding.route(route);
    return (await (await this._encoding.tokenizer(entry)).ids([text], entry))[0];
  }

  /**
   * Replay the bundle's golden vectors, which PyTorch made: token ids must be equal, vectors as near as the precision
   * promises.
   * @returns {Promise<Record<string, import("./parity.js").Parity>>} A report for each route that has golden vectors.
   * @throws {BundleError} If one differs by more.
   */
  async verify() {
    return verifyVectors(this, this);
  }

  /** What was written into a graph of how it was made. @param {string} graph @returns {Promise<Map<string, string>>} */
  async facts(graph) {
    return factsOf(await this._host.read(graph));
  }

  /** The bundle's golden vectors. @returns {Promise<import("./verification.js").Golden[]>} */
  async golden() {
    const text = await this._encoding.goldenText();
    if (text === null)
      throw new BundleError(`${this.name} has no ${GOLDEN} among its files, so nothing can be replayed`);
    return parseGolden(text, `${this.name}: ${GOLDEN}`);
  }

  /** Free the memory of the graphs; the next call loads them again. */
  async release() {
    await this._sessions.release();
  }

  /** @param {string[]} texts @param {string} name @returns {Promise<import("./outputs.js").Hybrid>} */
  async _hybrid(texts, name) {
    if (this._manifest.denseDim === null) {
      throw new BundleError(`${this.name} gives no dense embeddings: export it with --with-dense`);
    }
    return toHybrid(await this._encoding.rows(texts, name, WANTED_HYBRID, toPairs));
  }

  /** @param {string[]} texts @param {string} name @returns {Promise<SparseVector[]>} */
  async _encode(texts, name) {
    return this._encoding.rows(texts, name, this._wanted(), toVectors);
  }

  /** The outputs of the graph that make a vector. @returns {string[]} */
  _wanted() {
    return WANTED[/** @type {"sparse" | "dense"} */ (this._manifest.output)];
  }

  /** @param {unknown} given @param {string} route @returns {Promise<SparseVector>} */
  async _vector(given, route) {
    if (given instanceof SparseVector) return checkedVectors([given], this.dimension)[0];
    if (typeof given !== "string")
      throw new InputError(`${route} is ${kindOf(given)}, expected a text or a SparseVector`);
    checkText(given, route);
    return (await this._encode([given], route))[0];
  }
}
