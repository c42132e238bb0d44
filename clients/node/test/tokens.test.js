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

test("padding stands on the right whatever the tokenizer says", () => {
  const json = JSON.parse(readFileSync(Object.values(tokenizers)[0], "utf8"));
  const padded = (/** @type {string} */ direction) => {
    json.padding = { direction, pad_id: 9 };
    const { ids, mask, dims } = new BundleTokenizer(JSON.stringify(json), "x").pad([[1, 2, 3], [4]]);
    return [[...ids].map(Number), [...mask].map(Number), dims];
  };
  assert.deepEqual(padded("Right"), [[1, 2, 3, 4, 9, 9], [1, 1, 1, 1, 0, 0], [2, 3]]);
  assert.deepEqual(padded("Left"), padded("Right"));
});

test("what cannot be reproduced is refused", () => {
  const bert = JSON.parse(readFileSync(tokenizers.bert, "utf8"));
  const bytes = JSON.parse(readFileSync(tokenizers["byte-level"], "utf8"));
  const token = { ...bert.added_tokens[0], content: "[PAD]", id: 0 };
  /** @type {[any, any, RegExp][]} */
  const refused = [
    [bert, { normalizer: { type: "Sequence", normalizers: [{ type: "Precompiled" }] } }, /its normalizer Precompiled is not built here/],
    [bert, { model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } }, /its model Unigram is not built here/],
    [bert, { model: { ...bert.model, unk_token: "?!" } }, /its model WordPiece has the unk_token '\?!', which is no token/],
    [bert, { normalizer: { ...bert.normalizer, fold: true } }, /its normalizer BertNormalizer has the setting 'fold'/],
    [bert, { pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "Removed", invert: false } }, /Split has behavior = "Removed"/],
    [bert, { added_tokens: [{ ...token, single_word: true }] }, /its added token "\[PAD\]" has single_word = true/],
    [bert, { added_tokens: [{ ...token, id: 9 }] }, /its added token '\[PAD\]' has id 9, where 0 comes next/],
    [bert, { added_tokens: [token, token] }, /its added token '\[PAD\]' is there twice/],
    [bert, { truncation: { direction: "Right", strategy: "OnlySecond" } }, /its truncation has strategy = "OnlySecond"/],
    [bert, { surprise: 1 }, /its file has the setting 'surprise'/],
    [bytes, { model: { ...bytes.model, dropout: 0.1 } }, /its model BPE has dropout = 0\.1/],
    [bytes, { model: { ...bytes.model, end_of_word_suffix: "</w>" } }, /its model BPE has end_of_word_suffix/],
    [bytes, { pre_tokenizer: null }, /its model BPE without a ByteLevel pre_tokenizer/],
    [bytes, { model: { ...bytes.model, vocab: { a: 0 }, merges: [] } }, /its model BPE has no token for the byte/],
  ];
  for (const [json, change, message] of refused) {
    assert.throws(() => new BundleTokenizer(JSON.stringify({ ...json, ...change }), "x"), (error) => {
      assert.match(String(error), message);
      assert.match(String(error), /x would not give the token ids that Python gives: .*; encode in Python or on a server$/);
      return true;
    });
  }
});

const variants = JSON.parse(readFileSync(/** @type {string} */ (process.env.SPARSE_VARIANTS), "utf8"));

test("tokenizers put together at random give Python's ids, or are refused", () => {
  /** @type {Record<string, number>} What was built, and how often it was right. */
  const right = {};
  for (const { file, special, maxLength, ids } of variants.cases) {
    const text = readFileSync(file, "utf8");
    let tokenizer;
    try {
      tokenizer = new BundleTokenizer(text, file);
    } catch (error) {
      assert.match(String(error), /would not give the token ids that Python gives/);
      continue;
    }
    const route = { graph: "", tokenizer: "", prompt: "", maxLength, addSpecialTokens: special, precision: "fp32" };
    const json = JSON.parse(text);
    const parts = ["normalizer", "pre_tokenizer", "model", "post_processor"].map((name) => json[name]?.type ?? `no ${name}`);
    variants.texts.forEach((/** @type {string} */ one, /** @type {number} */ at) => {
      assert.deepEqual(tokenizer.ids(one, route), ids[at], `${file}: ${parts.join(", ")}: ${JSON.stringify(one)}`);
    });
    for (const part of parts) right[part] = (right[part] ?? 0) + 1;
  }
  const expected = [
    "BertNormalizer", "Lowercase", "NFC", "NFD", "Sequence", "BertPreTokenizer", "ByteLevel", "WordPiece", "BPE",
    "TemplateProcessing", "BertProcessing", "RobertaProcessing", "no normalizer", "no pre_tokenizer", "no post_processor",
  ];
  assert.deepEqual(expected.filter((part) => !(right[part] >= 3)), [], JSON.stringify(right));
});

test("a word of a million letters takes no time that grows with its square", () => {
  for (const [name, file] of Object.entries(tokenizers)) {
    const tokenizer = new BundleTokenizer(readFileSync(file, "utf8"), name);
    const route = { graph: "", tokenizer: "", prompt: "", maxLength: 512, addSpecialTokens: true, precision: "fp32" };
    const started = performance.now();
    for (const text of ["ab".repeat(500_000), " ".repeat(1_000_000), "\u0301".repeat(1_000_000)]) tokenizer.ids(text, route);
    assert.ok(performance.now() - started < 30_000, name);
  }
});
