import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BundleError, LocalEncoder, SparseVector } from "../src/index.js";
import { broken, bundles } from "./given.js";

for (const [name, folder] of Object.entries(bundles)) {
  test(`${name}: token ids are PyTorch's, vectors as near as promised`, async () => {
    const encoder = await LocalEncoder.load(folder, { checksums: true });
    const reports = await encoder.verify();
    const golden = await encoder.golden();
    for (const [route, report] of Object.entries(reports)) {
      assert.equal(report.texts, golden.filter((one) => one.route === route).length);
      assert.ok(report.texts >= 38);
    }
    await encoder.release();
  });
}

/** Change golden.jsonl line by line, checksum included. */
function rewritten(name, change) {
  return broken(name, async (manifest, folder) => {
    const file = join(folder, "golden.jsonl");
    const lines = (await readFile(file, "utf8")).split("\n").filter(Boolean);
    const content = lines.map((line) => JSON.stringify(change(JSON.parse(line)))).join("\n");
    await writeFile(file, content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    manifest.files["golden.jsonl"] = { size: Buffer.byteLength(content), sha256 };
  });
}

test("a token id that differs is reported", async () => {
  const folder = await rewritten("splade-fp32", (one) => ({ ...one, input_ids: [...one.input_ids.slice(0, -1), 7] }));
  await assert.rejects((await LocalEncoder.load(folder)).verify(), (error) => {
    assert.ok(error instanceof BundleError);
    assert.match(error.message, /other token ids than PyTorch/);
    return true;
  });
});

for (const [name, factor] of [
  ["splade-fp32", 1.0002],
  ["splade-int8", -1],
  ["csr-fp32", 1.01],
]) {
  test(`${name}: weights times ${factor} are reported`, async () => {
    const folder = await rewritten(name, (one) => ({ ...one, values: one.values.map((value) => value * factor) }));
    await assert.rejects((await LocalEncoder.load(folder)).verify(), /differs from PyTorch by more than it may/);
  });
}

test("a text's vector does not depend on its neighbours", async () => {
  const encoder = await LocalEncoder.load(bundles["splade-int8"], { threads: 1 });
  const texts = (await encoder.golden()).map(({ text }) => text);
  const together = await encoder.encodeDocuments(texts);
  for (const [at, text] of texts.entries()) {
    const [alone] = await encoder.encodeDocuments([text]);
    const weights = alone.toMap();
    together[at].toMap().forEach((value, index) => assert.ok(Math.abs((weights.get(index) ?? 0) - value) < 1e-4));
  }
});

test("a query is looked up without a graph, and as query.onnx has it", async () => {
  const folder = await broken("if-fp32", async (manifest, path) => {
    await writeFile(join(path, "query.onnx"), "no graph"); // whoever runs it fails
    manifest.files["query.onnx"].size = 8;
  });
  const encoder = await LocalEncoder.load(folder);
  const [vector] = await encoder.encodeQueries(["fish fish and chips"]);
  assert.equal(vector.length, 3);
  const golden = (await encoder.golden()).find(({ route, text }) => route === "query" && text.startsWith("fish fish"));
  const [fish] = await encoder.encodeQueries([/** @type {any} */ (golden).text]);
  assert.deepEqual(fish, golden?.vector);
});

test("features are turned back, tokens are named", async () => {
  const csr = await LocalEncoder.load(bundles["csr-fp32"]);
  const [vector] = await csr.encodeDocuments(["The weather is lovely today."]);
  assert.equal((await csr.reconstruct([vector, new SparseVector([], [])])).length, 2);
  assert.equal((await csr.reconstruct([vector]))[0].length, 384);
  await assert.rejects(csr.decode([vector]), /features, which have no words/);
  assert.match((await csr.explain(vector, vector))[0].label, /^feature \d+$/);
  const splade = await LocalEncoder.load(bundles["splade-fp32"]);
  const [[[token, weight]]] = await splade.decode(await splade.encodeDocuments(["The weather is lovely today."]));
  assert.deepEqual([token, weight.toFixed(2)], ["today", "2.54"]);
  await assert.rejects(splade.reconstruct([vector]), /are tokens/);
});

test("shares sum up to 1 and contributions to the score", async () => {
  const encoder = await LocalEncoder.load(bundles["splade-fp32"]);
  const [query] = await encoder.encodeQueries(["nice weather"]);
  const [document] = await encoder.encodeDocuments(["The weather is lovely today."]);
  const all = await encoder.explain(query, document);
  const sum = (/** @type {"share" | "contribution"} */ key) => all.reduce((total, one) => total + one[key], 0);
  assert.ok(Math.abs(sum("share") - 1) < 1e-12);
  assert.ok(Math.abs(sum("contribution") - query.dot(document)) < 1e-9);
  assert.deepEqual(await encoder.explain("nice weather", "The weather is lovely today.", { top: 2 }), all.slice(0, 2));
});
