/** Put the page, the client, its libraries and a bundle into one folder that any static host can serve. */

import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const CLIENT = join(HERE, "..", "node");
const PACKAGES = join(HERE, "..", "node_modules");

/** A browser knows no package names: they become the files beside. */
const IMPORTS = {
  '"onnxruntime-web/wasm"': '"../vendor/onnxruntime.js"',
  '"onnxruntime-web/webgpu"': '"../vendor/onnxruntime-webgpu.js"',
  '"@mlc-ai/web-tokenizers"': '"../vendor/web-tokenizers.js"',
};

/** ONNX Runtime's builds: the one for WebGPU is fetched only where it is used. */
const RUNTIMES = {
  "ort.wasm.bundle.min.mjs": "ort-wasm-simd-threaded.wasm",
  "ort.webgpu.bundle.min.mjs": "ort-wasm-simd-threaded.asyncify.wasm",
};

/**
 * @param {string} bundle Folder that sparse-export wrote.
 * @param {string} output Folder to write; appears only when it is complete.
 */
export async function build(bundle, output) {
  const folder = `${output}.part`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(HERE, "page"), folder, { recursive: true });
  await vendor(join(folder, "vendor"));
  await client(join(folder, "sparse-client"));
  await cp(bundle, join(folder, "bundle"), { recursive: true });
  await stamp(folder);
  await rm(output, { recursive: true, force: true });
  await rename(folder, output);
}

async function vendor(folder) {
  await cp(join(PACKAGES, "@mlc-ai", "web-tokenizers", "lib", "index.js"), join(folder, "web-tokenizers.js"));
  const runtime = join(PACKAGES, "onnxruntime-web", "dist");
  for (const [code, wasm] of Object.entries(RUNTIMES)) {
    await cp(join(runtime, code), join(folder, code));
    await writeFile(join(folder, `${wasm}.gzip`), gzipSync(await readFile(join(runtime, wasm)), { level: 9 }));
  }
}

async function client(folder) {
  await mkdir(folder);
  for (const name of await readdir(join(CLIENT, "src"))) {
    let text = await readFile(join(CLIENT, "src", name), "utf8");
    if (/["']node:/.test(text) || name === "index.js") continue; // what only Node can run
    for (const [from, to] of Object.entries(IMPORTS)) text = text.replaceAll(from, to);
    await writeFile(join(folder, name), text);
  }
}

/** Name the service worker's cache after the content, so that a new build replaces an old one. */
async function stamp(folder) {
  const hash = createHash("sha256");
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of names.filter((one) => one.isFile()).sort((a, b) => (path(a) < path(b) ? -1 : 1))) {
    hash.update(path(entry)).update(await readFile(path(entry)));
  }
  const version = hash.digest("hex").slice(0, 16);
  for (const file of ["service-worker.js", "index.html"].map((name) => join(folder, name))) {
    await writeFile(file, (await readFile(file, "utf8")).replace("@VERSION@", version));
  }
}

function path(entry) {
  return join(entry.parentPath, entry.name);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [bundle, output] = process.argv.slice(2);
  if (!output) throw new Error("usage: node build.mjs BUNDLE OUTPUT");
  await build(bundle, output);
}
