/** Rows that show each rule of the comparison with PyTorch; Python's client has the same. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { SparseVector } from "../src/index.js";
import { compare, failures, TOLERANCES } from "../src/parity.js";

/** @param {Record<number, number>} weights */
const vector = (weights) => new SparseVector(Object.keys(weights).map(Number), Object.values(weights));
const none = vector({});

/** @param {number} value @param {number} expected */
const near = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-5, `${value}, expected ${expected}`);

/** One text. @param {Record<number, number>} one @param {Record<number, number>} other @param {number | null} limit @param {any} precision */
const pair = (one, other, limit = null, precision = "fp32") =>
  compare([vector(one)], [vector(other)], limit, precision);

test("the cosine is that of the vectors as they are, full or not", () => {
  for (const limit of [null, 2]) {
    const { meanCosine, worstCosine, overlap } = pair({ 1: 1, 2: 1 }, { 1: 1, 3: 1 }, limit);
    near(meanCosine, 0.5);
    near(worstCosine, 0.5);
    near(overlap, 0.5);
  }
});

test("a tie at the cut is no difference, and is counted", () => {
  const tied = pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1.000008 }, 2);
  assert.deepEqual([tied.maxDifference, tied.cutTies], [0, 2]);
  near(tied.meanCosine, 4 / 5);
  const apart = pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1.0001 }, 2);
  near(apart.maxDifference, 1.0001);
  assert.equal(apart.cutTies, 0);
});

test("a row that is not full has cut nothing", () => {
  assert.equal(pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1 }, 3).maxDifference, 1);
  assert.equal(pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1 }, null).maxDifference, 1);
  // What the full side lacks is a tie; what the full side has is none, because the other side had room for it.
  const half = pair({ 1: 2, 2: 1, 4: 1 }, { 1: 2, 3: 1 }, 3);
  assert.deepEqual([half.maxDifference, half.cutTies], [1, 1]);
});

test("ties are as wide as the rounding of the precision, and int8 has none", () => {
  assert.equal(pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1.0009 }, 2, "fp16").cutTies, 2);
  assert.equal(pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1.002 }, 2, "fp16").cutTies, 0);
  assert.equal(pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1.0009 }, 2, "fp32").cutTies, 0);
  const rough = pair({ 1: 2, 2: 1 }, { 1: 2, 3: 1 }, 2, "int8");
  assert.deepEqual([rough.cutTies, rough.maxDifference], [0, 1]);
});

test("a dimension that both sides have is never excused", () => {
  near(pair({ 1: 2, 2: 1 }, { 1: 2, 2: 1.5 }, 2).maxDifference, 0.5);
});

test("the overlap compares as many dimensions as PyTorch has", () => {
  near(pair({ 1: 1 }, { 1: 1, 2: 2 }).overlap, 0);
  near(pair({ 1: 2, 2: 1 }, { 1: 1 }).overlap, 1 / 2);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [at, 100 - at]));
  const others = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [at, at < 64 ? 100 - at : 200])); // 36 rise
  near(pair(many, many).overlap, 1);
  near(pair(many, others).overlap, 28 / 64);
});

test("texts that are empty on both sides are in no mean, on one side are as wrong as can be", () => {
  const one = vector({ 1: 1 });
  const report = compare([none, one], [none, one], null, "int8");
  assert.deepEqual(
    [report.texts, report.empty, report.meanCosine, report.worstCosine, report.overlap],
    [2, 1, 1, 1, 1],
  );
  const half = compare([none, one], [one, one], null, "int8");
  assert.deepEqual(
    [half.empty, half.meanCosine, half.worstCosine, half.overlap, half.maxDifference],
    [0, 0.5, 0, 0.5, 1],
  );
  assert.throws(() => compare([none, none], [none, none], null, "fp32"), /nothing to compare/);
  assert.throws(() => compare([], [], null, "fp32"), /nothing to compare/);
});

test("a miss names the figure and the promise", () => {
  assert.deepEqual(failures(pair({ 1: 1 }, { 1: 1.5 }), TOLERANCES.fp32), ["maxDifference is 0.5000, promised 0.0001"]);
  assert.equal(failures(pair({ 1: 1 }, { 2: 1 }), TOLERANCES.int8).length, 3);
  assert.deepEqual(failures(pair({ 1: 1 }, { 1: 1 }), TOLERANCES.int8), []);
});

test("vectors of a hundred thousand dimensions are compared", () => {
  const wide = new SparseVector(
    Array.from({ length: 100_000 }, (_, at) => at),
    new Array(100_000).fill(1),
  );
  const report = compare([wide, wide, wide], [wide, wide, wide], 100_000, "fp32");
  assert.deepEqual([report.maxDifference, report.worstCosine, report.overlap], [0, 1, 1]);
});
