import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nodesOf } from "../src/nodes.js";
import { bundles } from "./given.js";

test("nodes are found by their operator in a graph's bytes", () => {
  const model = readFileSync(join(bundles["splade-fp32"], "document.onnx"));
  const attention = nodesOf(model, "MultiHeadAttention");
  assert.equal(new Set(attention).size, 2, attention.join()); // one for each layer of splade-tiny
  assert.ok(
    attention.every((name) => /^\w+$/.test(name)),
    attention.join(),
  );
  assert.deepEqual(nodesOf(model, "TopK").length, 1);
  assert.deepEqual(nodesOf(model, "Loop"), []);
  assert.deepEqual(nodesOf(model.subarray(0, 1000), "Loop"), []);
});
