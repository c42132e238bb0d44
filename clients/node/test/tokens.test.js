import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BundleTokenizer } from "../src/tokens.js";
import { tokens } from "./given.js";

const { tokenizers, cases } = tokens();

for (const [name, file] of Object.entries(tokenizers)) {
  test(`${name}: every text has the ids that Python gives it`, () => {
    const tokenizer = new BundleTokenizer(readFileSync(file, "utf8"), file);
    const some = cases.filter((one) => one.tokenizer === name);
    assert.ok(some.length > 10);
    for (const { text, ids, special, maxLength } of some) {
      const route = { graph: "", tokenizer: "", prompt: "", maxLength, addSpecialTokens: special };
      assert.deepEqual(tokenizer.ids(text, route), ids, JSON.stringify(text.slice(0, 200)));
    }
  });
}

test("a prompt stands in front of the text", () => {
  const [name, file] = Object.entries(tokenizers)[0];
  const tokenizer = new BundleTokenizer(readFileSync(file, "utf8"), name);
  const route = { graph: "", tokenizer: "", prompt: "query: ", maxLength: 8, addSpecialTokens: true };
  assert.deepEqual(tokenizer.ids("weather", route), tokenizer.ids("query: weather", { ...route, prompt: "" }));
});

test("padding goes to the side that the tokenizer says", () => {
  const json = JSON.parse(readFileSync(Object.values(tokenizers)[0], "utf8"));
  const padded = (/** @type {string} */ direction) => {
    json.padding = { direction, pad_id: 9 };
    const { ids, mask, dims } = new BundleTokenizer(JSON.stringify(json), "x").pad([[1, 2, 3], [4]]);
    return [[...ids].map(Number), [...mask].map(Number), dims];
  };
  assert.deepEqual(padded("Right"), [[1, 2, 3, 4, 9, 9], [1, 1, 1, 1, 0, 0], [2, 3]]);
  assert.deepEqual(padded("Left"), [[1, 2, 3, 9, 9, 4], [1, 1, 1, 0, 0, 1], [2, 3]]);
});

test("what cannot be reproduced is refused", () => {
  const json = JSON.parse(readFileSync(Object.values(tokenizers)[0], "utf8"));
  json.normalizer = { type: "Sequence", normalizers: [{ type: "Precompiled", precompiled_charsmap: "" }] };
  assert.throws(() => new BundleTokenizer(JSON.stringify(json), "x"), /normalizer Precompiled is not supported/);
  const unigram = { ...json, normalizer: null, model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } };
  assert.throws(() => new BundleTokenizer(JSON.stringify(unigram), "x"), /model Unigram is not supported/);
});
