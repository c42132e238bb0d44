/** How far two sets of sparse vectors are apart, and how far they may be: as the exporter judges. */

const TOP = 64;
const FAINT = 1e-4; // a weight that may come and go by rounding

/** What each precision promises against PyTorch. */
export const TOLERANCES = {
  fp32: { maxDifference: 1e-4 },
  fp16: { maxDifference: 2e-2 },
  int8: { meanCosine: 0.995, worstCosine: 0.98, overlap: 0.95 },
};

/**
 * The distance between PyTorch and a graph over some texts.
 * @typedef {object} Parity
 * @property {number} texts
 * @property {number} maxDifference Largest difference of a weight.
 * @property {number} meanCosine Mean cosine similarity of a text's two vectors.
 * @property {number} worstCosine
 * @property {number} overlap Mean share of PyTorch's 64 strongest dimensions that are among those of the graph.
 * @property {number} stray Dimensions active on one side only, with a weight of 1e-4 or more.
 */

/** @typedef {import("./vectors.js").SparseVector} SparseVector */

/**
 * @param {SparseVector[]} expected PyTorch's.
 * @param {SparseVector[]} actual Ours.
 * @param {number | null} limit `max_active_dims` of both. What a full vector cut away weighs at most as much as the
 *   least that it kept; so much of the other side's weight is no difference, because nobody knows better.
 * @returns {Parity}
 */
export function compare(expected, actual, limit) {
  const sides = expected.map((vector, at) => known(vector, actual[at], limit));
  const cosines = sides.map(cosine);
  return {
    texts: sides.length,
    maxDifference: Math.max(0, ...sides.flat().map(([left, right]) => Math.abs(left - right))),
    meanCosine: mean(cosines),
    worstCosine: Math.min(...cosines),
    overlap: mean(expected.map((vector, at) => overlap(vector, actual[at]))),
    stray: sides.flat().filter(([left, right]) => (left === 0) !== (right === 0) && Math.abs(left - right) >= FAINT)
      .length,
  };
}

/**
 * What a report misses of its precision's promise, one sentence each.
 * @param {Parity} parity
 * @param {"fp32" | "fp16" | "int8"} precision
 * @returns {string[]}
 */
export function failures(parity, precision) {
  return Object.entries(TOLERANCES[precision]).flatMap(([name, bar]) => {
    const value = parity[/** @type {keyof Parity} */ (name)];
    const kept = name === "maxDifference" ? value <= bar : value >= bar;
    return kept ? [] : [`${name} is ${value.toPrecision(4)}, promised ${bar}`];
  });
}

/** Both weights of each dimension of either. @param {SparseVector} one @param {SparseVector} other @param {number | null} limit @returns {[number, number][]} */
function known(one, other, limit) {
  const [left, right] = [one.toMap(), other.toMap()];
  const [leftFloor, rightFloor] = [floor(one, limit), floor(other, limit)];
  return [...new Set([...left.keys(), ...right.keys()])].map((index) => {
    const [mine, theirs] = [left.get(index), right.get(index)];
    return [mine ?? Math.min(/** @type {number} */ (theirs), leftFloor), theirs ?? Math.min(/** @type {number} */ (mine), rightFloor)];
  });
}

/** The most that a missing dimension can weigh. @param {SparseVector} vector @param {number | null} limit @returns {number} */
function floor(vector, limit) {
  return limit === null || vector.length < limit ? 0 : Math.min(...vector.values);
}

/** @param {[number, number][]} sides @returns {number} */
function cosine(sides) {
  const [dot, left, right] = sides.reduce(([d, l, r], [a, b]) => [d + a * b, l + a * a, r + b * b], [0, 0, 0]);
  return left && right ? dot / Math.sqrt(left * right) : Number(left === right);
}

/** @param {SparseVector} one @param {SparseVector} other @returns {number} */
function overlap(one, other) {
  const wanted = new Set(one.indices.subarray(0, TOP));
  const found = other.indices.subarray(0, TOP).filter((index) => wanted.has(index));
  return wanted.size ? found.length / wanted.size : Number(other.length === 0);
}

/** @param {number[]} numbers @returns {number} */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
