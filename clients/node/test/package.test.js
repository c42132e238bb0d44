import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkRuntime, OLDEST } from "../src/runtime.js";
import { bundles } from "./given.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const MOST_LINES = 300;

test("the code is right for TypeScript, and so are the types that it makes for others", () => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const folder = mkdtempSync(join(tmpdir(), "sparse-types-"));
  const made = spawnSync(process.execPath, [compiler, "-p", PACKAGE, "--outDir", join(folder, "types")], {
    encoding: "utf8",
  });
  assert.equal(made.status, 0, made.stdout);
  const use = `
    import { LocalEncoder, SparseClient, SparseVector } from "./types/index.js";
    import { LocalEncoder as InBrowser } from "./types/browser.js";
    const encoder: LocalEncoder = await LocalEncoder.load("bundle/", { threads: 1 });
    const vectors: SparseVector[] = await encoder.encodeQueries(["a"]);
    const share: number = (await encoder.explain("a", vectors[0], { top: 3 }))[0].share;
    const named: [string, number][][] = await new SparseClient("http://x", { model: "m" }).decode(vectors);
    const indices: Int32Array = vectors[0].top(3).indices;
    // @ts-expect-error a list is wanted
    await encoder.encodeDocuments("a");
    const device: "wasm" | "webgpu" = (await InBrowser.load("bundle/", { device: "auto" })).device;
    // @ts-expect-error no such device
    await InBrowser.load("bundle/", { device: "gpu" });
    export { share, named, indices, device };
  `;
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  writeFileSync(join(folder, "use.mts"), use);
  const words = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", ""];
  const used = spawnSync(process.execPath, [compiler, ...words, join(folder, "use.mts")], { encoding: "utf8" });
  assert.equal(used.status, 0, used.stdout);
});

test("the documented lines work when pasted", () => {
  const page = readFileSync(join(PACKAGE, "..", "..", "docs", "other-languages.md"), "utf8");
  const [, lines] = /** @type {RegExpExecArray} */ (/## Node[\s\S]*?```js\n([\s\S]*?)```/.exec(page));
  const pasted = lines.replaceAll("splade-v3-int8", bundles["splade-int8"]);
  const words = ["--input-type=module", "--eval", pasted];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: PACKAGE, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /'today'/);
});

test("an ONNX Runtime that is older than what package.json asks for is refused", () => {
  const { optionalDependencies, peerDependencies } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  assert.deepEqual(
    [optionalDependencies["onnxruntime-node"], peerDependencies["onnxruntime-web"]],
    [`^${OLDEST}`, `^${OLDEST}`],
  );
  assert.throws(
    () => checkRuntime("onnxruntime-node", "1.9.2"),
    /onnxruntime-node 1\.9\.2 is too old, 1\.30\.0 is the oldest/,
  );
  for (const version of ["1.30.0", "1.100.0", "2.0.0"]) checkRuntime("onnxruntime-node", version);
});

test("files stay small, and only folder.js and index.js know Node", () => {
  for (const name of readdirSync(join(PACKAGE, "src"))) {
    const text = readFileSync(join(PACKAGE, "src", name), "utf8");
    assert.ok(text.split("\n").length <= MOST_LINES, name);
    if (name !== "folder.js") assert.doesNotMatch(text, /["']node:|onnxruntime-node"\)/, name);
  }
});
