/** How far two sets of sparse vectors are apart, and how far they may be: as the exporter judges. */

const TOP = 64;

/** What each precision promises against PyTorch. */
export const TOLERANCES = {
  fp32: { maxDifference: 1e-4 },
  fp16: { maxDifference: 2e-2 },
  int8: { meanCosine: 0.995, worstCosine: 0.98, overlap: 0.95 },
};

/** How far rounding moves a weight, so that two dimensions at the cut change places; an int8 error is not rounding. */
export const CUT_ROUNDING = { fp32: 1e-5, fp16: 1e-3, int8: 0 };

/**
 * The distance between PyTorch and a graph over some texts.
 * @typedef {object} Parity
 * @property {number} texts
 * @property {number} empty Texts whose vectors are empty on both sides; they count in no mean.
 * @property {number} maxDifference Largest difference of a weight, ties at the cut left out.
 * @property {number} cutTies Dimensions of one side only that the other side's full vector left out for rounding alone.
 * @property {number} meanCosine Mean cosine similarity of a text's two vectors, 0 where one is empty.
 * @property {number} worstCosine
 * @property {number} overlap Mean share of PyTorch's k strongest dimensions that are among ours: k is 64, or as many as
 *   PyTorch has.
 */

/** @typedef {import("./vectors.js").SparseVector} SparseVector */
/** @typedef {keyof typeof TOLERANCES} Precision */

/**
 * @param {SparseVector[]} expected PyTorch's.
 * @param {SparseVector[]} actual Ours.
 * @param {number | null} limit `max_active_dims` of both.
 * @param {Precision} precision Says how near a weight must be to the least that a full vector kept to be a tie.
 * @returns {Parity}
 * @throws {Error} If there is nothing to compare: no text, or none with a weight on either side.
 */
export function compare(expected, actual, limit, precision) {
  const pairs = expected.map((vector, at) => /** @type {const} */ ([vector, actual[at]]));
  const filled = pairs.filter(([one, other]) => one.length + other.length > 0);
  if (filled.length === 0) throw new Error("nothing to compare: every vector is empty");
  const cosines = filled.map(([one, other]) => cosine(one, other));
  const found = { maxDifference: 0, cutTies: 0 };
  for (const [one, other] of filled)
    measure(one, other, (vector) => tie(vector, limit, CUT_ROUNDING[precision]), found);
  return {
    texts: pairs.length,
    empty: pairs.length - filled.length,
    ...found,
    meanCosine: mean(cosines),
    worstCosine: least(cosines),
    overlap: mean(filled.map(([one, other]) => overlap(one, other))),
  };
}

/**
 * What a report misses of its precision's promise, one sentence each.
 * @param {Parity} parity
 * @param {Record<string, number>} tolerance
 * @returns {string[]}
 */
export function failures(parity, tolerance) {
  return Object.entries(tolerance).flatMap(([name, bar]) => {
    const value = parity[/** @type {keyof Parity} */ (name)];
    const kept = name === "maxDifference" ? value <= bar : value >= bar;
    return kept ? [] : [`${name} is ${value.toPrecision(4)}, promised ${bar}`];
  });
}

/**
 * @param {SparseVector} one
 * @param {SparseVector} other
 * @param {(vector: SparseVector) => (size: number) => boolean} tied
 * @param {{maxDifference: number, cutTies: number}} found Is brought up to date.
 */
function measure(one, other, tied, found) {
  const [left, right] = [one.toMap(), other.toMap()];
  const [cutLeft, cutRight] = [tied(one), tied(other)];
  for (const index of new Set([...left.keys(), ...right.keys()])) {
    const [mine, theirs] = [left.get(index), right.get(index)];
    const difference = Math.abs((mine ?? 0) - (theirs ?? 0));
    const alone = mine === undefined || theirs === undefined;
    if (alone && (mine === undefined ? cutLeft : cutRight)(difference)) found.cutTies += 1;
    else found.maxDifference = Math.max(found.maxDifference, difference);
  }
}

/**
 * Whether a vector may have left a weight out for rounding alone: it is full, and kept one that is as good as equal.
 * @param {SparseVector} vector
 * @param {number | null} limit
 * @param {number} margin
 * @returns {(size: number) => boolean} By the size of the weight.
 */
function tie(vector, limit, margin) {
  if (limit === null || vector.length < limit) return () => false;
  const kept = least(vector.values.map(Math.abs));
  return (size) => Math.abs(size - kept) < margin;
}

/** @param {SparseVector} one @param {SparseVector} other @returns {number} */
function cosine(one, other) {
  const norms = Math.sqrt(one.dot(one) * other.dot(other));
  return norms ? one.dot(other) / norms : 0;
}

/** @param {SparseVector} one @param {SparseVector} other @returns {number} */
function overlap(one, other) {
  const count = Math.min(TOP, one.length);
  const [wanted, found] = [one, other].map((vector) => vector.top(count).indices);
  const theirs = new Set(found);
  return count ? wanted.filter((index) => theirs.has(index)).length / count : 0; // one of them is empty
}

/** Not `Math.min(...numbers)`, which fails where there are more than a call takes. @param {number[] | Float32Array} numbers */
function least(numbers) {
  let found = Infinity;
  for (const number of numbers) found = Math.min(found, number);
  return found;
}

/** @param {number[]} numbers @returns {number} */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
