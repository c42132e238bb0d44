import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundles } from "./given.js";

const COMMAND = fileURLToPath(new URL("../bin/sparse-client.js", import.meta.url));
const bundle = bundles["splade-int8"];

/** @param {string[]} words @param {string} [input] */
function run(words, input) {
  return spawnSync(process.execPath, [COMMAND, ...words], { encoding: "utf8", input });
}

test("help has an example", () => {
  assert.match(run(["--help"]).stdout, /Example:\n {2}sparse-client decode/);
});

test("encode, decode, verify", () => {
  const text = "The weather is lovely today.";
  const { tokens, values } = JSON.parse(run(["decode", "--bundle", bundle, "--top", "2", text]).stdout);
  const encoded = run(["encode", "--bundle", bundle, "--input", "-", "--route", "query"], `${text}\n\n`).stdout;
  const [first, empty] = encoded
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([tokens[0], values], ["today", first.values.slice(0, 2).map(Math.fround)]);
  assert.equal(empty.text, "");
  const { on, ...reports } = JSON.parse(run(["verify", "--bundle", bundle]).stdout);
  assert.match(on, /^\S.*, onnxruntime-node \d+\.\d+\.\d+$/);
  const texts = Object.values(reports).reduce((sum, report) => sum + report.texts, 0);
  assert.equal(texts, readFileSync(`${bundle}/golden.jsonl`, "utf8").trim().split("\n").length);
});

for (const [words, message] of [
  [["decode", "a"], /^Error: give --bundle DIR/],
  [["decode", "--bundle", bundle], /^Error: give either texts or --input/],
  [["decode", "--bundle", "nowhere", "a"], /^Error: nowhere is not a bundle/],
  [["decode", "--bundle", bundle, "--top", "x", "a"], /^Error: --top is x/],
  [["decode", "--bundle", bundle, "--input", "nowhere"], /^Error: --input nowhere cannot be read/],
  [["fly"], /^Error: there is no command 'fly'/],
  [["encode", "--fly"], /^Error: Unknown option/],
]) {
  test(`sparse-client ${words.join(" ").replace(bundle, "B")} ends with one line`, () => {
    const { status, stderr, stdout } = run(/** @type {string[]} */ (words));
    assert.deepEqual([status, stdout, stderr.trim().split("\n").length], [1, "", 1]);
    assert.match(stderr, /** @type {RegExp} */ (message));
  });
}
