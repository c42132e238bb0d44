/** The query table of an inference-free bundle, looked up without a graph: what query.onnx computes, at once. */

import { BundleError, reason } from "./errors.js";
import { strongest } from "./vectors.js";

export const TABLE = "query_table.safetensors";
const GRAPH = "query.onnx"; // whose place the table takes; of two towers it is a graph like any other
const TENSOR = "weights";

/** Whether a route is looked up. @param {import("./manifest.js").Route} route @param {Record<string, unknown>} files */
export function isLookedUp(route, files) {
  return route.graph === GRAPH && TABLE in files;
}

/** One weight per token. */
export class QueryTable {
  /**
   * @param {Uint8Array} bytes The content of query_table.safetensors.
   * @param {import("./manifest.js").Manifest} manifest
   * @param {string} where The file's name in errors.
   * @throws {BundleError} If it is not one finite float32 weight per dimension.
   */
  constructor(bytes, manifest, where) {
    this._where = where;
    this._limit = manifest.routes.query.maxActiveDims;
    this._weights = read(bytes, where);
    if (this._weights.length !== manifest.dimension || !this._weights.every(Number.isFinite)) {
      throw new BundleError(
        `${where} holds ${this._weights.length} weights, expected ${manifest.dimension} finite ones: ` +
          "export the bundle again",
      );
    }
  }

  /**
   * The weights of the tokens, each distinct token once, sorted by falling weight.
   * @param {number[]} ids The token ids of one query.
   * @param {number | null} most How many dimensions to keep, null for as many as the bundle does.
   * @returns {import("./vectors.js").SparseVector}
   */
  vector(ids, most) {
    const distinct = [...new Set(ids)];
    const beyond = distinct.find((id) => id >= this._weights.length);
    if (beyond !== undefined) {
      throw new BundleError(
        `${this._where} has ${this._weights.length} weights, but a token has id ${beyond}: export the bundle again`,
      );
    }
    const active = distinct.filter((id) => this._weights[id] !== 0);
    const limit = Math.min(this._limit ?? Infinity, most ?? Infinity);
    return strongest(
      active,
      active.map((id) => this._weights[id]),
      limit === Infinity ? null : limit,
    );
  }
}

/**
 * A safetensors file: 8 bytes with the length of the header, the header as JSON, the numbers; all little-endian.
 * @param {Uint8Array} bytes
 * @param {string} where
 * @returns {Float32Array}
 */
function read(bytes, where) {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const start = 8 + Number(view.getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
    const { dtype, shape, data_offsets: span } = header[TENSOR];
    if (dtype !== "F32" || shape.length !== 1) throw new Error(`'${TENSOR}' is ${dtype} ${JSON.stringify(shape)}`);
    return Float32Array.from({ length: shape[0] }, (_, at) => view.getFloat32(start + span[0] + 4 * at, true));
  } catch (error) {
    throw new BundleError(`${where} is not a table of float32 weights (${reason(error)}): export the bundle again`);
  }
}
