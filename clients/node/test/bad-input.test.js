import assert from "node:assert/strict";
import { appendFile, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BundleError, InputError, LocalEncoder, SparseVector } from "../src/index.js";
import { broken, bundles } from "./given.js";

/** @type {[string, RegExp, (manifest: any, folder: string) => unknown][]} */
const BROKEN = [
  [
    "a missing file",
    /document\.onnx is missing although manifest\.json names it/,
    (_, folder) => rm(join(folder, "document.onnx")),
  ],
  [
    "a longer file",
    /tokenizer\.json has \d+ bytes, manifest\.json says \d+/,
    (_, folder) => appendFile(join(folder, "tokenizer.json"), " "),
  ],
  [
    "another checksum",
    /document\.onnx was altered/,
    async (_, folder) => {
      const bytes = await readFile(join(folder, "document.onnx"));
      bytes[bytes.length - 1] ^= 1;
      await writeFile(join(folder, "document.onnx"), bytes);
    },
  ],
  [
    "a newer format",
    /bundle format 2, this sparse-client reads 1 at most: upgrade it/,
    (manifest) => (manifest.format_version = 2),
  ],
  ["no version", /'format_version' is missing or not a whole number/, (manifest) => delete manifest.format_version],
  [
    "an unknown precision",
    /'precision' is 'int2', expected fp32 or fp16 or int8/,
    (manifest) => (manifest.precision = "int2"),
  ],
  [
    "a route to nowhere",
    /uses 'x\.onnx', which is not among its 'files'/,
    (manifest) => (manifest.routes.query.graph = "x.onnx"),
  ],
  [
    "a name that leads out",
    /which leads outside the bundle/,
    (manifest) => (manifest.files["../x"] = { size: 1, sha256: "" }),
  ],
  [
    "a link that leads out",
    /which leads outside the bundle/,
    async (manifest, folder) => {
      await symlink(process.execPath, join(folder, "link"));
      manifest.files.link = { size: 1, sha256: "" };
    },
  ],
];

for (const [what, message, change] of BROKEN) {
  test(`a bundle with ${what} is refused`, async () => {
    const folder = await broken("splade-int8", change);
    await assert.rejects(LocalEncoder.load(folder, { checksums: true }), (error) => {
      assert.ok(error instanceof BundleError);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("no bundle at all", async () => {
  await assert.rejects(LocalEncoder.load("nowhere"), /nowhere is not a bundle: it has no manifest\.json/);
  const folder = await broken("splade-int8", () => {});
  await writeFile(join(folder, "manifest.json"), "<html>");
  await assert.rejects(LocalEncoder.load(folder), /is not valid JSON/);
});

test("a graph, a table, a tokenizer that are none", async () => {
  const none = (/** @type {string} */ name) =>
    broken("if-fp32", async (manifest, folder) => {
      await writeFile(join(folder, name), "nothing");
      manifest.files[name].size = 7;
    });
  const graph = await LocalEncoder.load(await none("document.onnx"));
  await assert.rejects(graph.encodeDocuments(["a"]), /cannot be loaded by onnxruntime-node/);
  const table = await LocalEncoder.load(await none("query_table.safetensors"));
  await assert.rejects(table.encodeQueries(["a"]), /is not a table of float32 weights/);
  const tokenizer = await LocalEncoder.load(await none("tokenizer.json"));
  await assert.rejects(tokenizer.encodeQueries(["a"]), /is not a tokenizer that tokenizers can read/);
});

test("texts that are none", async () => {
  const encoder = await LocalEncoder.load(bundles["splade-int8"]);
  for (const [given, message] of [
    ["text", /got one string, expected a list of texts: pass \[text\]/],
    [["a", 1], /text 1 is number, expected a text/],
    [["a", null], /text 1 is null/],
    [["half \ud83d"], /text 0 has a lone surrogate \(U\+D83D\) at character 5/],
    [["\ude00 half"], /lone surrogate \(U\+DE00\) at character 0/],
  ]) {
    await assert.rejects(encoder.encodeDocuments(/** @type {any} */ (given)), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /** @type {RegExp} */ (message));
      return true;
    });
  }
  assert.deepEqual(await encoder.encodeDocuments([]), []);
  assert.equal((await encoder.encodeDocuments(["", "😀"])).length, 2);
});

test("a text of 1 MB is cut as any other", async () => {
  const encoder = await LocalEncoder.load(bundles["splade-int8"]);
  const [long, cut] = await encoder.encodeDocuments(["storm ".repeat(175_000), "storm ".repeat(510)]);
  assert.deepEqual(long, cut);
  assert.equal((await encoder.tokenIds("\ufeff\u0301".repeat(250_000))).length, 2);
});

test("vectors that are none", async () => {
  assert.throws(() => new SparseVector([1, 1], [1, 2]), /indices repeat/);
  assert.throws(() => new SparseVector([-1], [1]), /drop padding/);
  assert.throws(() => new SparseVector([1], [1e39]), /finite float32/);
  assert.throws(() => new SparseVector([1, 2], [1]), /got 2 indices and 1 values/);
  const encoder = await LocalEncoder.load(bundles["splade-int8"]);
  await assert.rejects(
    encoder.decode([new SparseVector([30_522], [1])]),
    /vector 0 has index 30522, but this bundle has 30522/,
  );
  await assert.rejects(LocalEncoder.load(bundles["splade-int8"], { batchSize: 0 }), /batchSize is 0/);
});

test("fewer dimensions are a prefix", async () => {
  const all = await LocalEncoder.load(bundles["splade-int8"]);
  const few = await LocalEncoder.load(bundles["splade-int8"], { maxActiveDims: 4 });
  const [whole] = await all.encodeDocuments(["The weather is lovely today."]);
  assert.deepEqual((await few.encodeDocuments(["The weather is lovely today."]))[0], whole.top(4));
});
