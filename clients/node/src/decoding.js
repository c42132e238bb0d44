/** From dimensions back: to tokens where they are tokens, to the dense embedding where they are features. */

import { BundleError } from "./errors.js";
import { rows, toPadded } from "./outputs.js";

export const DECODE = "decode.onnx";

/** Runs decode.onnx of a bundle. */
export class Decoder {
  /**
   * @param {import("./manifest.js").Manifest} manifest
   * @param {import("./sessions.js").Sessions} sessions
   * @param {number} batchSize Vectors per run of the graph.
   */
  constructor(manifest, sessions, batchSize) {
    this._manifest = manifest;
    this._sessions = sessions;
    this._batchSize = batchSize;
  }

  /** @param {import("./vectors.js").SparseVector[]} vectors @returns {Promise<[string, number][][]>} */
  async tokens(vectors) {
    const given = await this._outputs();
    if (!given.includes("tokens")) {
      throw new BundleError(
        `${this._name(given)}, not tokens: its dimensions are features, which have no words; ` +
          "reconstruct(vectors) turns them into the dense embedding",
      );
    }
    const named = await this._run(vectors, "tokens");
    return vectors.map((vector, at) => Array.from(vector.values, (value, rank) => [named[at][rank], value]));
  }

  /** @param {import("./vectors.js").SparseVector[]} vectors @returns {Promise<Float32Array[]>} */
  async embeddings(vectors) {
    const given = await this._outputs();
    if (!given.includes("embedding")) {
      throw new BundleError(
        `${this._name(given)}, not embedding: its dimensions are tokens, which decode(vectors) names; ` +
          "only the features of a csr bundle can be turned back into a dense embedding",
      );
    }
    return this._run(vectors, "embedding");
  }

  /** Whether the dimensions of this bundle are tokens. @returns {Promise<boolean>} */
  async hasTokens() {
    return DECODE in this._manifest.files && (await this._outputs()).includes("tokens");
  }

  /** @returns {Promise<string[]>} */
  async _outputs() {
    if (!(DECODE in this._manifest.files)) {
      throw new BundleError(`${this._sessions.name} has no ${DECODE}: the dimensions of this bundle have no names`);
    }
    return this._sessions.outputs(DECODE);
  }

  /** @param {string[]} given @returns {string} */
  _name(given) {
    return `${this._sessions.name}: ${DECODE} (${this._manifest.family}) gives ${given.join(", ")}`;
  }

  /** @param {import("./vectors.js").SparseVector[]} vectors @param {string} output @returns {Promise<any[]>} */
  async _run(vectors, output) {
    /** @type {any[]} */
    let found = [];
    for (let start = 0; start < vectors.length; start += this._batchSize) {
      const { indices, values, dims } = toPadded(vectors.slice(start, start + this._batchSize));
      const inputs = {
        indices: { type: "int32", data: indices, dims },
        values: { type: "float32", data: values, dims },
      };
      found = found.concat(rows((await this._sessions.run(DECODE, inputs, [output]))[output]));
    }
    return found;
  }
}
