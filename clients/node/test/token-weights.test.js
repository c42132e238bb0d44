import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { LocalEncoder } from "../src/index.js";
import { broken, bundles } from "./given.js";

test("pairs and the dense embedding come from one pass, and are PyTorch's", async () => {
  const encoder = await LocalEncoder.load(bundles["tokens-int8"]);
  const reports = await encoder.verify();
  assert.ok(reports.document.meanCosine > 0.995);
  const texts = ["fish fish weather", "", "the bank"];
  const { vectors, dense } = await encoder.encodeDocuments(texts, { dense: true });
  const alone = await encoder.encodeDocuments(texts);
  assert.deepEqual(
    vectors.map((vector) => vector.toJSON()),
    alone.map((vector) => vector.toJSON()),
  );
  assert.equal(vectors[1].length, 0);
  assert.deepEqual(
    dense.map((embedding) => embedding.length),
    [32, 32, 32],
  );
  for (const embedding of dense) assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
  assert.deepEqual(await encoder.encodeQueries([], { dense: true }), { vectors: [], dense: [] });
});

test("verify finds a dense embedding that is not PyTorch's", async () => {
  const folder = await broken("tokens-int8", async (manifest, path) => {
    const file = join(path, "golden.jsonl");
    const lines = (await readFile(file, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const line of lines) line.dense = line.dense.map((weight) => -weight);
    const content = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
    await writeFile(file, content);
    manifest.files["golden.jsonl"].size = Buffer.byteLength(content);
  });
  const encoder = await LocalEncoder.load(folder);
  await assert.rejects(encoder.verify(), /document: dense embeddings differ from PyTorch's: meanCosine is -/);
});

test("a bundle without dense embeddings says how to get them", async () => {
  const encoder = await LocalEncoder.load(bundles["splade-int8"]);
  await assert.rejects(
    encoder.encodeDocuments(["a"], { dense: true }),
    /gives no dense embeddings: export it with --with-dense/,
  );
});
