/** What two vectors have in common: which dimensions make the score, and how much of it each. */

/**
 * What one dimension adds to the score of a query and a document.
 * @typedef {object} Contribution
 * @property {string} label The token; `feature 123` where dimensions are no tokens.
 * @property {number} contribution Product of the two weights, more than 0.
 * @property {number} share Part of the sum of all positive contributions, from 0 to 1. That sum is the score unless some
 *   weights are negative: the score is smaller then.
 */

/**
 * Multiply the weights of shared dimensions and keep what is positive, as sentence-transformers' `intersection`.
 * @param {import("./vectors.js").SparseVector} query
 * @param {import("./vectors.js").SparseVector} document
 * @returns {{index: number, contribution: number, share: number}[]} By falling contribution.
 */
export function overlap(query, document) {
  const weights = document.toMap();
  const shared = Array.from(query.indices, (index, position) => ({
    index,
    contribution: query.values[position] * (weights.get(index) ?? 0),
  })).filter(({ contribution }) => contribution > 0);
  const sum = shared.reduce((total, { contribution }) => total + contribution, 0);
  return shared
    .sort((left, right) => right.contribution - left.contribution || left.index - right.index)
    .map((one) => ({ ...one, share: one.contribution / sum }));
}

/** @param {number} dimension @returns {string} What a dimension is called where the bundle knows no tokens. */
export function featureLabel(dimension) {
  return `feature ${dimension}`;
}
