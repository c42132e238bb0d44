import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pad } from "../src/batch.js";
import { rustTokenizer } from "../src/rust-tokens.js";
import { BundleTokenizer } from "../src/tokens.js";
import { tokens } from "./given.js";

const { tokenizers, cases } = tokens();

/** @type {import("../src/sessions.js").Host["tokenizer"]} */
const written = async (text, where, maxLength) => new BundleTokenizer(text, where, maxLength);

/** @param {{prompt?: string, addSpecialTokens?: boolean}} given @returns {any} */
const route = ({ prompt = "", addSpecialTokens = true }) => ({ prompt, addSpecialTokens });

for (const [name, file] of Object.entries(tokenizers)) {
  for (const [by, make] of Object.entries({ "the browser": written, Node: rustTokenizer })) {
    if (name === "unigram" && make === written) continue; // the library, which runs in a browser alone
    test(`${name} in ${by}: every text has the ids that Python gives it`, async () => {
      const some = cases.filter((one) => one.tokenizer === name);
      assert.ok(some.length > 10);
      for (const [special, maxLength] of distinct(some.map((one) => [one.special, one.maxLength]))) {
        const tokenizer = await make(readFileSync(file, "utf8"), file, maxLength);
        const same = some.filter((one) => one.special === special && one.maxLength === maxLength);
        const found = await tokenizer.ids(
          same.map(({ text }) => text),
          route({ addSpecialTokens: special }),
        );
        same.forEach(({ text, ids }, at) => assert.deepEqual(found[at], ids, JSON.stringify(text.slice(0, 200))));
      }
    });
  }
}

/** @param {any[]} values */
function distinct(values) {
  return [...new Set(values.map((value) => JSON.stringify(value)))].map((text) => JSON.parse(text));
}

test("a prompt, a length and padding are as the bundle says", async () => {
  for (const make of [written, rustTokenizer]) {
    const json = JSON.parse(readFileSync(tokenizers.bert, "utf8"));
    json.padding = { direction: "Left", pad_id: 9, strategy: "BatchLongest", pad_type_id: 0, pad_token: "[PAD]" };
    json.truncation = { direction: "Left", max_length: 3, strategy: "LongestFirst", stride: 0 };
    const tokenizer = await make(JSON.stringify(json), "x", 5);
    const [one, same] = [
      await tokenizer.ids(["weather"], route({ prompt: "nice " })),
      await tokenizer.ids(["nice weather"], route({})),
    ];
    assert.deepEqual(one, same);
    const [whole, cut] = await tokenizer.ids(["a b c", "a b c d"], route({}));
    assert.deepEqual([cut[0], cut.length, cut[1]], [whole[0], 5, whole[2]]); // what is on the left goes
    assert.equal(tokenizer.padId, 9);
    const short = await make(JSON.stringify(json), "x", 1);
    await assert.rejects(short.ids(["a"], route({})), /x adds more special tokens than the 1 that a text may have/);
  }
  const { ids, mask, dims } = pad([[1, 2, 3], [4]], 9);
  assert.deepEqual([...ids].map(Number), [1, 2, 3, 4, 9, 9]);
  assert.deepEqual([...mask].map(Number), [1, 1, 1, 1, 0, 0]);
  assert.deepEqual(dims, [2, 3]);
});

test("Node says what is not a tokenizer", async () => {
  await assert.rejects(rustTokenizer("{}", "x", null), /x is not a tokenizer that tokenizers can read/);
});

test("what cannot be reproduced is refused", () => {
  const bert = JSON.parse(readFileSync(tokenizers.bert, "utf8"));
  const bytes = JSON.parse(readFileSync(tokenizers["byte-level"], "utf8"));
  const token = { ...bert.added_tokens[0], content: "[PAD]", id: 0 };
  /** @type {[any, any, RegExp][]} */
  const refused = [
    [
      bert,
      { normalizer: { type: "Sequence", normalizers: [{ type: "Precompiled" }] } },
      /its normalizer Precompiled is not built here/,
    ],
    [bert, { model: { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0]] } }, /its model Unigram is not built here/],
    [
      bert,
      { model: { ...bert.model, unk_token: "?!" } },
      /its model WordPiece has the unk_token '\?!', which is not a token/,
    ],
    [bert, { normalizer: { ...bert.normalizer, fold: true } }, /its normalizer BertNormalizer has the setting 'fold'/],
    [
      bert,
      { pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "Removed", invert: false } },
      /Split has behavior = "Removed"/,
    ],
    [bert, { added_tokens: [{ ...token, single_word: true }] }, /its added token "\[PAD\]" has single_word = true/],
    [bert, { added_tokens: [{ ...token, id: 9 }] }, /its added token '\[PAD\]' has id 9, where 0 comes next/],
    [bert, { added_tokens: [token, token] }, /its added token '\[PAD\]' is there twice/],
    [
      bert,
      { truncation: { direction: "Right", strategy: "OnlySecond" } },
      /its truncation has strategy = "OnlySecond"/,
    ],
    [bert, { surprise: 1 }, /its file has the setting 'surprise'/],
    [bytes, { model: { ...bytes.model, dropout: 0.1 } }, /its model BPE has dropout = 0\.1/],
    [bytes, { model: { ...bytes.model, end_of_word_suffix: "</w>" } }, /its model BPE has end_of_word_suffix/],
    [bytes, { pre_tokenizer: null }, /its model BPE without a ByteLevel pre_tokenizer/],
    [bytes, { model: { ...bytes.model, vocab: { a: 0 }, merges: [] } }, /its model BPE has no token for the byte/],
  ];
  for (const [json, change, message] of refused) {
    assert.throws(
      () => new BundleTokenizer(JSON.stringify({ ...json, ...change }), "x", null),
      (error) => {
        assert.match(String(error), message);
        assert.match(
          String(error),
          /x would not give the token ids that Python gives: .*; encode in Python or on a server$/,
        );
        return true;
      },
    );
  }
});

const variants = JSON.parse(readFileSync(/** @type {string} */ (process.env.SPARSE_VARIANTS), "utf8"));

test("tokenizers put together at random give Python's ids, or are refused", async () => {
  /** @type {Record<string, number>} What was built, and how often it was right. */
  const right = {};
  for (const { file, special, maxLength, ids } of variants.cases) {
    const text = readFileSync(file, "utf8");
    let tokenizer;
    try {
      tokenizer = new BundleTokenizer(text, file, maxLength);
    } catch (error) {
      assert.match(String(error), /would not give the token ids that Python gives/);
      continue;
    }
    const found = await tokenizer.ids(variants.texts, route({ addSpecialTokens: special }));
    const json = JSON.parse(text);
    const parts = ["normalizer", "pre_tokenizer", "model", "post_processor"].map(
      (name) => json[name]?.type ?? `no ${name}`,
    );
    variants.texts.forEach((/** @type {string} */ one, /** @type {number} */ at) => {
      assert.deepEqual(found[at], ids[at], `${file}: ${parts.join(", ")}: ${JSON.stringify(one)}`);
    });
    for (const part of parts) right[part] = (right[part] ?? 0) + 1;
  }
  const expected = [
    "BertNormalizer",
    "Lowercase",
    "NFC",
    "NFD",
    "Sequence",
    "BertPreTokenizer",
    "ByteLevel",
    "WordPiece",
    "BPE",
    "TemplateProcessing",
    "BertProcessing",
    "RobertaProcessing",
    "no normalizer",
    "no pre_tokenizer",
    "no post_processor",
  ];
  assert.deepEqual(
    expected.filter((part) => !(right[part] >= 3)),
    [],
    JSON.stringify(right),
  );
});

test("Node refuses none of them but those that draw their ids at random", async () => {
  for (const { file, special, maxLength, ids } of variants.cases) {
    const text = readFileSync(file, "utf8");
    if (JSON.parse(text).model.dropout) {
      await assert.rejects(
        rustTokenizer(text, file, maxLength),
        /json drops merges at random \(dropout is 0\.5\): a text would have other ids/,
      );
      continue;
    }
    const tokenizer = await rustTokenizer(text, file, maxLength);
    assert.deepEqual(await tokenizer.ids(variants.texts, route({ addSpecialTokens: special })), ids, file);
  }
});

test("a word of a million letters takes no time that grows with its square", async () => {
  for (const [name, file] of Object.entries(tokenizers).filter(([kind]) => kind !== "unigram")) {
    const tokenizer = new BundleTokenizer(readFileSync(file, "utf8"), name, 512);
    const started = performance.now();
    await tokenizer.ids(["ab".repeat(500_000), " ".repeat(1_000_000), "\u0301".repeat(1_000_000)], route({}));
    assert.ok(performance.now() - started < 30_000, name);
  }
});
