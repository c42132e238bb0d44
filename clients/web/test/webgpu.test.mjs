/** WebGPU in a real browser, on a GPU that Chromium computes on the CPU: the same kernels, only slowly. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, opened } from "../browser.mjs";
import { serve } from "../serve.mjs";
import { changed, made } from "./given.mjs";

const FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
const SHORT = { count: 6, tokens: 40 }; // of the golden texts: the software GPU takes seconds for each
let site, remove, server, url, context, page;

/** Keep some golden texts, the longest among them. */
async function shorten(manifest, folder) {
  const file = join(folder, "golden.jsonl");
  const all = (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const short = all.filter(({ input_ids: ids }) => ids.length <= SHORT.tokens);
  short.sort((left, right) => right.input_ids.length - left.input_ids.length);
  const kept = ["document", "query"].flatMap((name) => {
    const some = short.filter(({ route }) => route === name);
    return some.filter((_, at) => at % Math.ceil(some.length / SHORT.count) === 0);
  });
  const bytes = Buffer.from(kept.map((one) => `${JSON.stringify(one)}\n`).join(""));
  await writeFile(file, bytes);
  manifest.files["golden.jsonl"] = { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

before(async () => {
  ({ site, remove } = await made());
  for (const family of ["splade", "if", "csr"]) await changed(`${family}-fp32`, join(site, "short", family), shorten);
  await changed("splade-int8", join(site, "disguised"), (manifest) => (manifest.precision = "fp32"));
  await writeFile(join(site, "blank.html"), "<!doctype html><title>Only the client</title>");
  server = await serve(site);
  url = `http://localhost:${server.address().port}/`;
  context = await launch({ flags: FLAGS });
  // Count what is given to the GPU; and let it pass as one of hardware, which alone is chosen unasked.
  await context.addInitScript(() => {
    const { submit } = GPUQueue.prototype;
    globalThis.submitted = 0;
    GPUQueue.prototype.submit = function counted(...given) {
      globalThis.submitted += 1;
      return submit.apply(this, given);
    };
    if (location.hash !== "#software")
      Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
  });
  page = await blank();
});
after(async () => {
  await context?.close();
  server?.closeAllConnections();
  server?.close();
  await remove?.();
});

/** A page that only has the client. */
async function blank(where = context, hash = "") {
  const view = await where.newPage();
  await view.goto(`${url}blank.html${hash}`);
  return view;
}

/** What becomes of a load, in words. */
function loaded(view, root, options) {
  return view.evaluate(
    async ([where, given]) => {
      const { LocalEncoder } = await import("/sparse-client/browser.js");
      return LocalEncoder.load(where, given).then(
        ({ device }) => device,
        (error) => `${error.name}: ${error.message}`,
      );
    },
    [root, options],
  );
}

for (const family of ["splade", "if", "csr"]) {
  test(`${family} in fp32: the GPU's vectors are PyTorch's as near as promised, neighbours or none`, async () => {
    const found = await page.evaluate(async (root) => {
      const { LocalEncoder } = await import("/sparse-client/browser.js");
      const encoder = await LocalEncoder.load(root, { device: "webgpu" });
      const reports = await encoder.verify();
      const texts = ["a b", "The committee approved the new budget after a long debate last night."];
      const together = await encoder.encodeDocuments(texts);
      const names = encoder.labels([...together[1].indices]); // beside the next run
      const alone = await encoder.encodeDocuments([texts[0]]);
      const differences = alone[0].toMap();
      for (const [index, value] of together[0].toMap())
        differences.set(index, Math.abs((differences.get(index) ?? 0) - value));
      const { device } = encoder;
      await encoder.release();
      return { reports, difference: Math.max(...differences.values()), named: (await names).length, device, submitted };
    }, `/short/${family}/`);
    assert.ok(found.reports.document.texts >= SHORT.count - 1, JSON.stringify(found.reports));
    assert.ok(found.difference < 1e-4, `${found.difference} by a neighbour`);
    assert.ok(found.named > 0);
    assert.equal(found.device, "webgpu");
    assert.ok(found.submitted > 0, "nothing was given to the GPU");
  });
}

test("unasked, only hardware is chosen, and never for int8", async () => {
  assert.equal(await loaded(page, "/bundles/splade-fp32/"), "webgpu");
  assert.equal(await loaded(page, "/bundles/splade-fp32/", { device: "wasm" }), "wasm");
  assert.equal(await loaded(page, "/bundles/splade-int8/"), "wasm");
  const software = await blank(context, "#software");
  assert.equal(await loaded(software, "/bundles/splade-fp32/"), "wasm");
  await software.close();
});

test("WebGPU that cannot be had is refused with the reason", async () => {
  const asked = { device: "webgpu" };
  assert.match(
    await loaded(page, "/bundles/splade-int8/", asked),
    /^SparseClientError: device webgpu: .*8-bit integers .*fp32/,
  );
  assert.match(await loaded(page, "/bundles/splade-int8/", { device: "gpu" }), /^InputError: device is gpu, expected /);
  const plain = await launch();
  try {
    const view = await opened(plain, `${url}?device=webgpu&bundle=bundles/splade-fp32/`);
    assert.match(await view.textContent("#status"), /no WebGPU, or no GPU .*, or load with device "wasm"/);
    assert.equal(await loaded(view, "/bundles/splade-fp32/"), "wasm");
  } finally {
    await plain.close();
  }
});

/** In a page: encode, lose the GPU, encode again. */
async function lost([root, options]) {
  const { LocalEncoder } = await import("/sparse-client/browser.js");
  const { env } = await import("/vendor/onnxruntime-webgpu.js");
  const encoder = await LocalEncoder.load(root, options);
  const [before] = await encoder.encodeDocuments(["a storm at sea"]);
  (await env.webgpu.device).destroy();
  const [after] = await encoder.encodeDocuments(["a storm at sea"]);
  const differences = [...before.toMap()].map(([index, value]) => Math.abs((after.toMap().get(index) ?? 0) - value));
  return { difference: Math.max(...differences), device: encoder.device, labels: (await encoder.labels([2003]))[0] };
}

test("the GPU is lost: WebAssembly takes over, or an error where WebGPU was asked for", async () => {
  const view = await blank();
  const warned = view.waitForEvent("console", (message) =>
    /WebGPU failed, WebAssembly takes over/.test(message.text()),
  );
  const found = await view.evaluate(lost, ["/short/splade/", {}]);
  assert.match((await warned).text(), /short\/splade\/document\.onnx: WebGPU failed/);
  assert.equal(found.device, "wasm");
  assert.equal(found.labels, "is");
  assert.ok(found.difference < 1e-4, found.difference);
  await view.reload();
  await assert.rejects(
    view.evaluate(lost, ["/short/splade/", { device: "webgpu" }]),
    /document\.onnx failed on input_ids \[1, 6\].*\(on WebGPU; device "wasm" may run it\)/,
  );
  await view.close();
});

test("a graph that WebGPU cannot run runs in WebAssembly, or is named where WebGPU was asked for", async () => {
  const encode = async ([root, options]) => {
    const { LocalEncoder } = await import("/sparse-client/browser.js");
    const encoder = await LocalEncoder.load(root, options);
    const [[first]] = await encoder.decode(await encoder.encodeDocuments(["a storm at sea"]));
    return `${first[0]} by ${encoder.device}`;
  };
  const view = await blank();
  assert.equal(await view.evaluate(encode, ["/disguised/", {}]), "sea by wasm");
  const asked = view.evaluate(encode, ["/disguised/", { device: "webgpu" }]);
  await assert.rejects(asked, /disguised.*document\.onnx.*\(on WebGPU; device/);
  await view.close();
});

/** Everything that the service worker saw. */
const fetched = (view) =>
  view.evaluate(async () => {
    const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
    return (await Promise.all(caches_.map((cache) => cache.keys()))).flat().map((request) => request.url);
  });

test("the page says what runs, and fetches the WebGPU build only where it is used", async () => {
  const usual = await opened(context, url);
  assert.match(await usual.textContent("#status"), /int8 in WebAssembly, \d thread/);
  const without = await fetched(usual);
  assert.ok(
    without.some((one) => /simd-threaded\.wasm\.gzip/.test(one)),
    without.join(),
  );
  assert.deepEqual(
    without.filter((one) => /webgpu|asyncify/.test(one)),
    [],
  );
  await usual.close();
  const asked = await opened(context, `${url}?device=webgpu&bundle=short/splade/`);
  assert.match(await asked.textContent("#status"), /runtime 6\.\d MB, .* · fp32 on WebGPU/);
  const used = await fetched(asked);
  assert.ok(
    used.some((one) => /asyncify\.wasm\.gzip/.test(one)),
    used.join(),
  );
  await asked.close();
});
