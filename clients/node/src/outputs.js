/** What a graph or a server gives, as vectors. */

import { SparseVector, strongest } from "./vectors.js";

/**
 * A tensor as ONNX Runtime and the wire have it: flat data and its shape.
 * @typedef {{data: any, dims: readonly number[]}} Tensor
 */

/** The outputs to ask a graph for, by what the manifest calls its output. */
export const WANTED = { sparse: ["indices", "values"], dense: ["sentence_embedding"] };

/**
 * The vectors of a batch.
 * @param {Record<string, Tensor>} outputs `indices` and `values` `[batch, active]` sorted by falling weight and padded
 *   with index -1, or `sentence_embedding` `[batch, dimension]`.
 * @param {number | null} most How many dimensions to keep of each, null for all.
 * @returns {SparseVector[]}
 */
export function toVectors(outputs, most) {
  if (outputs.sentence_embedding) return rows(outputs.sentence_embedding).map((row) => fromDense(row, most));
  const values = rows(outputs.values);
  return rows(outputs.indices).map((indices, position) => fromPadded(indices, values[position], most));
}

/** The outputs to ask a graph for where dense embeddings are wanted, too. */
export const WANTED_HYBRID = [...WANTED.sparse, "dense"];

/**
 * The vectors of a batch, each with the dense embedding of its text.
 * @param {Record<string, Tensor>} outputs As for `toVectors`, and `dense` `[batch, width]`.
 * @param {number | null} most
 * @returns {[SparseVector, Float32Array][]}
 */
export function toPairs(outputs, most) {
  const embeddings = rows(outputs.dense);
  return toVectors(outputs, most).map((vector, row) => [vector, embeddings[row]]);
}

/**
 * Vectors, and the dense embeddings of the same texts.
 * @typedef {{vectors: SparseVector[], dense: Float32Array[]}} Hybrid
 */

/** @param {[SparseVector, Float32Array][]} pairs @returns {Hybrid} */
export function toHybrid(pairs) {
  return { vectors: pairs.map(([vector]) => vector), dense: pairs.map(([, embedding]) => embedding) };
}

/**
 * Vectors as the inputs of decode.onnx, `[vectors, longest]`, padded with index -1.
 * @param {SparseVector[]} vectors
 * @returns {{indices: Int32Array, values: Float32Array, dims: [number, number]}}
 */
export function toPadded(vectors) {
  const width = vectors.reduce((widest, vector) => Math.max(widest, vector.length), 1);
  const indices = new Int32Array(vectors.length * width).fill(-1);
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, row) => {
    indices.set(vector.indices, row * width);
    values.set(vector.values, row * width);
  });
  return { indices, values, dims: [vectors.length, width] };
}

/**
 * The rows of a matrix.
 * @param {Tensor} tensor
 * @returns {any[]}
 */
export function rows({ data, dims }) {
  const [count, width] = dims;
  return Array.from({ length: count }, (_, row) => data.slice(row * width, (row + 1) * width));
}

/** @param {ArrayLike<number>} indices @param {Float32Array} values @param {number | null} most */
function fromPadded(indices, values, most) {
  const padding = Array.prototype.indexOf.call(indices, -1);
  const active = padding < 0 ? indices.length : padding;
  const [kept, weights] = [Array.prototype.slice.call(indices, 0, active), values.subarray(0, active)];
  return most === null ? new SparseVector(kept, weights) : strongest(kept, weights, most);
}

/** @param {Float32Array} row @param {number | null} most */
function fromDense(row, most) {
  const active = Array.from(row.keys()).filter((index) => row[index] !== 0);
  return strongest(
    active,
    active.map((index) => row[index]),
    most,
  );
}
