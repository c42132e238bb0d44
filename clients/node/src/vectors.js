/** One sparse vector: the active dimensions and their weights. */

import { InputError } from "./errors.js";

const LARGEST = 2 ** 31 - 1;

/** Active dimensions and their weights, without padding. An encoder gives them sorted by falling weight. */
export class SparseVector {
  /**
   * @param {ArrayLike<number>} indices The active dimensions, each at most once, none negative; copied.
   * @param {ArrayLike<number>} values Their weights, finite; copied.
   * @throws {InputError} If the arrays do not have that form.
   */
  constructor(indices, values) {
    const [dimensions, weights] = [Array.from(indices), Array.from(values)];
    if (dimensions.length !== weights.length) {
      throw new InputError(`got ${dimensions.length} indices and ${weights.length} values: give one value per index`);
    }
    const wrong = dimensions.find((index) => !Number.isInteger(index) || index < 0 || index > LARGEST);
    if (wrong !== undefined) {
      throw new InputError(`index ${wrong} is not a whole number from 0 to ${LARGEST}: drop padding, which is -1`);
    }
    if (new Set(dimensions).size !== dimensions.length) {
      throw new InputError("indices repeat: give each dimension once, with its whole weight");
    }
    /** The active dimensions. @type {Int32Array} */
    this.indices = Int32Array.from(dimensions);
    /** Their weights. @type {Float32Array} */
    this.values = Float32Array.from(weights);
    if (!this.values.every(Number.isFinite)) {
      throw new InputError("values must be finite float32 numbers: there is a NaN, an infinity, or one too large");
    }
  }

  /**
   * The k strongest dimensions, sorted by falling weight.
   * @param {number} k
   * @returns {SparseVector}
   */
  top(k) {
    if (!Number.isInteger(k) || k < 0) throw new InputError(`top(${k}): k must be a whole number, 0 or more`);
    const order = byFalling(this.values).subarray(0, k);
    return new SparseVector(pick(this.indices, order), pick(this.values, order));
  }

  /**
   * The dot product, the score of a query against a document.
   * @param {SparseVector} other
   * @returns {number}
   */
  dot(other) {
    const weights = this.toMap();
    let sum = 0;
    other.indices.forEach((index, position) => {
      sum += (weights.get(index) ?? 0) * other.values[position];
    });
    return sum;
  }

  /** Dimension to weight, in the order of the arrays. @returns {Map<number, number>} */
  toMap() {
    return new Map(Array.from(this.indices, (index, position) => [index, this.values[position]]));
  }

  /** The number of active dimensions. @returns {number} */
  get length() {
    return this.indices.length;
  }

  /** What JSON.stringify writes. @returns {{indices: number[], values: number[]}} */
  toJSON() {
    return { indices: [...this.indices], values: Array.from(this.values, shortest) };
  }
}

/**
 * Keep the dimensions of the largest absolute weight, sorted by falling weight; of equal weights the first comes first.
 * @param {ArrayLike<number>} indices
 * @param {ArrayLike<number>} values
 * @param {number | null} most How many dimensions to keep, null for all.
 * @returns {SparseVector}
 */
export function strongest(indices, values, most) {
  let kept = Array.from(values, (_, position) => position);
  if (most !== null && kept.length > most) {
    kept.sort((left, right) => Math.abs(values[right]) - Math.abs(values[left]) || left - right);
    kept = kept.slice(0, most).sort((left, right) => left - right);
  }
  kept.sort((left, right) => values[right] - values[left] || left - right);
  return new SparseVector(pick(indices, kept), pick(values, kept));
}

/**
 * @param {unknown} vectors
 * @param {number} [dimension] Size of the vector space, where it is known.
 * @returns {SparseVector[]}
 * @throws {InputError} If it is not a list of vectors, or one is of another space.
 */
export function checkedVectors(vectors, dimension = Infinity) {
  if (!Array.isArray(vectors)) throw new InputError("expected a list of SparseVector: pass [vector]");
  vectors.forEach((vector, position) => {
    if (!(vector instanceof SparseVector)) {
      throw new InputError(`vector ${position} is ${kindOf(vector)}, expected SparseVector: pass a list of them`);
    }
    const beyond = vector.indices.find((index) => index >= dimension);
    if (beyond !== undefined) {
      throw new InputError(
        `vector ${position} has index ${beyond}, but this bundle has ${dimension} dimensions: ` +
          "use the bundle that made it",
      );
    }
  });
  return vectors;
}

/**
 * What to call a value of the wrong kind.
 * @param {unknown} value
 * @returns {string}
 */
export function kindOf(value) {
  return value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}

/** @param {Float32Array} values @returns {Int32Array} */
function byFalling(values) {
  return Int32Array.from(values, (_, position) => position).sort(
    (left, right) => values[right] - values[left] || left - right,
  );
}

/** @param {ArrayLike<number>} from @param {ArrayLike<number>} order @returns {number[]} */
function pick(from, order) {
  return Array.from(order, (position) => from[position]);
}

/** The shortest decimals that name a float32. @param {number} value @returns {number} */
function shortest(value) {
  for (let digits = 6; digits < 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
