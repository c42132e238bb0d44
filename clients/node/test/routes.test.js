/** Each route goes through its own graph, tokenizer and prompt, as the manifest says; and a manifest that is wrong is caught. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BundleError, LocalEncoder } from "../src/index.js";
import { broken, bundles } from "./given.js";

test("queries of two towers go through their own graph, tokenizer and prompt", async () => {
  const encoder = await LocalEncoder.load(bundles["towers-fp32"]);
  const text = "The doctor of the museum";
  const [query, document] = [await encoder.tokenIds(text, "query"), await encoder.tokenIds(text, "document")];
  assert.deepEqual([query[0], document[0]], [4, 2]); // [MASK] and [CLS]
  assert.equal((await encoder.tokenIds("whale ".repeat(100), "query")).length, encoder.manifest.routes.query.maxLength);
  const [[asked], [stored]] = [await encoder.encodeQueries([text]), await encoder.encodeDocuments([text])];
  assert.ok(asked.dot(stored) / Math.sqrt(asked.dot(asked) * stored.dot(stored)) < 0.9);
  const reports = await encoder.verify();
  assert.deepEqual(Object.keys(reports).sort(), ["document", "query"]);
  assert.ok(Object.values(reports).every(({ texts, worstCosine }) => texts >= 38 && worstCosine > 0.9999));
});

test("two towers need their own files", async () => {
  const folder = await broken("towers-fp32", async (manifest, path) => {
    await rm(join(path, "document.onnx"));
    delete manifest.files["document.onnx"];
    manifest.routes.document.graph = "query.onnx"; // so that it opens
  });
  const encoder = await LocalEncoder.load(folder);
  assert.equal((await encoder.encodeQueries(["whale"])).length, 1);
  assert.ok(encoder.needed.includes("query_tokenizer.json") && encoder.needed.includes("golden.jsonl"));
});

test("a tokenizer that only Python runs is said so, and token ids need none", async () => {
  const named = { name: "BertJapaneseTokenizer", folder: "tokenizer", packages: ["fugashi", "unidic-lite"], pad_id: 0 };
  const folder = await broken("splade-fp32", async (manifest) => {
    for (const route of Object.values(manifest.routes)) {
      route.tokenizer = null;
      route.python_tokenizer = named;
    }
  });
  const encoder = await LocalEncoder.load(folder);
  const sentence =
    /BertJapaneseTokenizer has no fast form \(tokenizer\.json\).*pip install transformers fugashi unidic-lite/;
  await assert.rejects(encoder.encodeDocuments(["whale"]), sentence);
  await assert.rejects(encoder.encodeQueries(["whale"]), BundleError);
  const whole = await LocalEncoder.load(bundles["splade-fp32"]);
  for (const route of /** @type {const} */ (["document", "query"])) {
    const golden = (await encoder.golden()).filter((one) => one.route === route).slice(0, 5);
    const texts = golden.map((one) => one.text);
    const rows = await Promise.all(texts.map((text) => whole.tokenIds(text, route)));
    const expected = await (route === "query" ? whole.encodeQueries(texts) : whole.encodeDocuments(texts));
    assert.deepEqual(await encoder.encodeTokenIds(rows, route), expected);
  }
  assert.equal((await encoder.encodeTokenIds([])).length, 0);
});

for (const [rows, said] of /** @type {[any, RegExp][]} */ ([
  ["whale", /got one string, expected a list of lists of token ids/],
  [[[1, -2]], /row 0 is not a list of token ids/],
  [[[101, 102], [1.5]], /row 1 is not a list of token ids/],
  [[new Array(513).fill(7)], /row 0 has 513 token ids, at most 512 are allowed/],
])) {
  test(`what is not a list of token ids is refused: ${said}`, async () => {
    const encoder = await LocalEncoder.load(bundles["splade-fp32"]);
    await assert.rejects(encoder.encodeTokenIds(rows), said);
  });
}

/** What is changed, in which bundle, and what is said of it. @type {[string, string, (manifest: any) => unknown, RegExp][]} */
const FORGED = [
  [
    "the other graph",
    "towers-fp32",
    ({ routes }) => (routes.query.graph = "document.onnx"),
    /query: differs from PyTorch by more/,
  ],
  [
    "graphs exchanged",
    "towers-fp32",
    ({ routes: { query, document } }) => ([query.graph, document.graph] = [document.graph, query.graph]),
    /differs from PyTorch by more/,
  ],
  [
    "the other tokenizer",
    "towers-fp32",
    ({ routes }) => (routes.query.tokenizer = "tokenizer.json"),
    /query: other token ids than PyTorch for ".*", from position \d+ on/,
  ],
  [
    "another prompt",
    "towers-fp32",
    ({ routes }) => (routes.query.prompt = "query: "),
    /query: other token ids than PyTorch/,
  ],
  ["no prompt", "towers-fp32", ({ routes }) => (routes.query.prompt = ""), /query: other token ids than PyTorch/],
  [
    "a prompt for documents",
    "towers-fp32",
    ({ routes }) => (routes.document.prompt = "a "),
    /document: other token ids than PyTorch/,
  ],
  [
    "no special tokens",
    "towers-fp32",
    ({ routes }) => (routes.query.add_special_tokens = false),
    /query: other token ids/,
  ],
  ["a shorter max_length", "towers-fp32", ({ routes }) => (routes.query.max_length -= 1), /query: other token ids/],
  ["a longer max_length", "towers-fp32", ({ routes }) => (routes.query.max_length += 1), /query: other token ids/],
  ["no max_length", "towers-fp32", ({ routes }) => (routes.document.max_length = null), /document: other token ids/],
  [
    "another output",
    "towers-fp32",
    (manifest) => (manifest.output = "dense"),
    /document\.onnx gives indices, values, not sentence_embedding/,
  ],
  [
    "another input",
    "towers-fp32",
    (manifest) => (manifest.input = "embedding"),
    /takes dense embeddings \(--sae-only\), and this package takes texts/,
  ],
  [
    "an unknown input",
    "towers-fp32",
    (manifest) => (manifest.input = "image"),
    /its graphs take "image", expected 'tokens'/,
  ],
  [
    "a graph with other inputs",
    "towers-fp32",
    ({ routes }) => (routes.query.graph = "decode.onnx"),
    /decode\.onnx takes indices, values, not input_ids, attention_mask/,
  ],
  [
    "fewer max_active_dims",
    "towers-fp32",
    (manifest) => limited(manifest, 3),
    /has \d+ weights, manifest\.json says 3 at most \(max_active_dims\)/,
  ],
  [
    "fewer max_active_dims of a route",
    "towers-fp32",
    ({ routes }) => (routes.query.max_active_dims = 3),
    /query: .* has \d+ weights, manifest\.json says 3 at most/,
  ],
  [
    "more max_active_dims",
    "csr-fp32",
    (manifest) => limited(manifest, 100_000),
    /manifest\.json says max_active_dims 100000, document\.onnx has \d+/,
  ],
  [
    "no max_active_dims",
    "csr-fp32",
    (manifest) => limited(manifest, null),
    /manifest\.json says max_active_dims none, document\.onnx has \d+/,
  ],
  [
    "a smaller dimension",
    "towers-fp32",
    (manifest) => (manifest.dimension = 10),
    /has index \d+, manifest\.json says that there are 10 dimensions/,
  ],
  [
    "a larger dimension",
    "towers-fp32",
    (manifest) => (manifest.dimension += 1),
    /manifest\.json says dimension \d+, document\.onnx has \d+/,
  ],
  ["a higher precision", "splade-int8", highest, /document: differs from PyTorch by more than it may: maxDifference/],
  [
    "the graph of documents for a look-up",
    "if-fp32",
    ({ routes }) => (routes.query.graph = "document.onnx"),
    /query: /,
  ],
  [
    "special tokens for a look-up",
    "if-fp32",
    ({ routes }) => (routes.query.add_special_tokens = true),
    /query: other token ids/,
  ],
  [
    "prompts in two ways",
    "splade-fp32",
    (manifest) => (manifest.prompts = { document: "a ", query: "" }),
    /says the prompt of document in two ways/,
  ],
  ["a length in two ways", "splade-fp32", (manifest) => (manifest.max_length = 9), /says max_length in two ways/],
  ["a prompt for a look-up", "if-fp32", ({ routes }) => (routes.query.prompt = "a "), /query: other token ids/],
];

/** @param {any} manifest @param {number | null} most */
function limited(manifest, most) {
  manifest.max_active_dims = most;
  for (const route of Object.values(manifest.routes)) route.max_active_dims = most;
}

/** @param {any} manifest */
function highest(manifest) {
  manifest.precision = "fp32";
  for (const route of Object.values(manifest.routes)) route.precision = "fp32";
}

for (const [what, name, change, message] of FORGED) {
  test(`${name}, whose manifest has ${what}: verify says so`, async () => {
    const folder = await broken(name, change);
    await assert.rejects(
      LocalEncoder.load(folder).then((encoder) => encoder.verify()),
      (error) => {
        assert.ok(error instanceof BundleError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

/** Keep some golden vectors, checksum included. @param {string} name @param {(one: any) => boolean} keep @param {(manifest: any) => unknown} [change] */
function kept(name, keep, change = () => {}) {
  return broken(name, async (manifest, folder) => {
    const file = join(folder, "golden.jsonl");
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line && keep(JSON.parse(line)));
    const content = `${lines.join("\n")}\n`;
    await writeFile(file, content);
    manifest.files["golden.jsonl"] = {
      size: Buffer.byteLength(content),
      sha256: createHash("sha256").update(content).digest("hex"),
    };
    change(manifest);
  });
}

test("a route without golden vectors is refused, unless documents are encoded alike", async () => {
  const documents = (/** @type {any} */ { route }) => route === "document";
  const towers = await LocalEncoder.load(await kept("towers-fp32", documents));
  await assert.rejects(towers.verify(), /has golden vectors, but none of its route 'query': export the bundle again/);
  const queries = await LocalEncoder.load(await kept("towers-fp32", (one) => !documents(one)));
  await assert.rejects(queries.verify(), /none of its route 'document'/);
  const older = await LocalEncoder.load(await kept("splade-fp32", documents));
  assert.deepEqual(Object.keys(await older.verify()), ["document"]);
  const prompted = await LocalEncoder.load(
    await kept("splade-fp32", documents, ({ routes }) => (routes.query.prompt = "x ")),
  );
  await assert.rejects(prompted.verify(), /none of its route 'query'/);
});

test("other token ids than PyTorch's are refused when a route is first used, and by that route alone", async () => {
  const folder = await broken("towers-fp32", ({ routes }) => (routes.query.prompt = "query: "));
  const encoder = await LocalEncoder.load(folder);
  assert.equal((await encoder.encodeDocuments(["whale"])).length, 1);
  for (let time = 0; time < 2; time += 1) {
    await assert.rejects(encoder.encodeQueries(["whale"]), (error) => {
      assert.ok(error instanceof BundleError);
      assert.match(
        error.message,
        /query: other token ids than PyTorch for ".*", from position \d+ on: .*; encode in Python/,
      );
      return true;
    });
  }
  const looked = await LocalEncoder.load(
    await broken("if-fp32", ({ routes }) => (routes.query.add_special_tokens = true)),
  );
  await assert.rejects(looked.encodeQueries(["whale"]), /query: other token ids than PyTorch/);
  const without = await broken("towers-fp32", ({ routes, files }) => {
    routes.query.prompt = "query: ";
    delete files["golden.jsonl"];
  });
  assert.equal((await (await LocalEncoder.load(without)).encodeQueries(["whale"])).length, 1);
});

test("a route has the precision that the manifest says, and that of bundles that do not", async () => {
  const precisions = async (/** @type {string} */ name, /** @type {(manifest: any) => unknown} */ change) => {
    const { routes } = (await LocalEncoder.load(await broken(name, change))).manifest;
    return [routes.document.precision, routes.query.precision];
  };
  const older = ({ routes }) => Object.values(routes).forEach((route) => delete route.precision);
  assert.deepEqual(await precisions("if-int8", older), ["int8", "fp32"]);
  assert.deepEqual(await precisions("splade-int8", older), ["int8", "int8"]);
  const said = ({ routes }) => Object.assign(routes.query, { precision: "fp16" });
  assert.equal((await precisions("towers-fp32", said))[1], "fp16");
  const wrong = await broken("splade-int8", ({ routes }) => (routes.query.precision = "int2"));
  await assert.rejects(LocalEncoder.load(wrong), /'precision' is 'int2', expected/);
});

test("what ranking was judged by takes the place of int8's promise", async () => {
  const strictest = { mean_cosine: 1, worst_cosine: 1, overlap: 1 };
  const strict = await broken("csr-int8", (manifest) => (manifest.tolerance = strictest));
  await assert.rejects((await LocalEncoder.load(strict)).verify(), /meanCosine is 0\.9\d+, promised 1/);
  const splade = await broken("splade-int8", (manifest) => (manifest.tolerance = strictest));
  await assert.rejects(LocalEncoder.load(splade), /'tolerance'/);
  const half = await broken("csr-int8", (manifest) => (manifest.tolerance = { mean_cosine: 1 }));
  await assert.rejects(
    LocalEncoder.load(half),
    /'tolerance' has not exactly the numbers mean_cosine, worst_cosine, overlap/,
  );
});
