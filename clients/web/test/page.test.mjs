/** The page in a real browser, on pages served from loopback. */

import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, opened, settled } from "../browser.mjs";
import { serve } from "../serve.mjs";
import { bundles, changed, made } from "./given.mjs";

const MEGABYTE = 1_000_000;
let site, remove, server, url, context, page;

before(async () => {
  ({ site, remove } = await made());
  await cp(process.env.SPARSE_TOKENS, join(site, "cases.json"));
  const { tokenizers } = JSON.parse(await readFile(process.env.SPARSE_TOKENS, "utf8"));
  for (const [name, file] of Object.entries(tokenizers)) await cp(file, join(site, "tokenizers", `${name}.json`));
  server = await serve(site);
  url = `http://localhost:${server.address().port}/`;
  context = await launch();
  page = await context.newPage();
});
after(async () => {
  await context?.close();
  server?.closeAllConnections();
  server?.close();
  await remove?.();
});

const text = (selector) => page.textContent(selector);

/** Write into a field and wait for what it changes. */
async function written(field, value, changed) {
  const before = await text(changed);
  await page.fill(field, value);
  await page.waitForFunction(([at, old]) => document.querySelector(at).textContent !== old, [changed, before]);
}

test("the first visit: a result, little transferred, nothing asked of anybody else", async () => {
  const hosts = new Set();
  context.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  await settled(page);
  assert.equal(await page.getAttribute("#status", "data-state"), "ready", await text("#status"));
  assert.match(
    await text("#status"),
    /: model 9\.\d MB, runtime 3\.\d MB, ready in \d+\.\d s · int8 in WebAssembly, \d thread/,
  );
  assert.ok(server.sent <= 20 * MEGABYTE, `${server.sent} bytes were sent`);
  assert.ok(Number(/model ([\d.]+) MB/.exec(await text("#status"))[1]) <= 10);
  assert.deepEqual([...hosts], [new URL(url).host]);
});

test("added words look different from the words of the text", async () => {
  const tokens = (kind) => page.locator(`#tokens .${kind} .token`).allTextContents();
  const [own, added] = [await tokens("own"), await tokens("added")];
  assert.ok(own.includes("storm") && own.includes("trains"), own.join());
  assert.ok(added.includes("+ railway") && added.includes("+ storms"), added.join());
  assert.match(await text("#text-summary"), /^58 weighted words, 46 of them added, in \d+ ms\./);
  assert.equal(await page.locator("#tokens li").count(), 20);
  await page.click("#more");
  assert.equal(await page.locator("#tokens li").count(), 58);
  await page.click("#more");
});

test("documents are ranked live, with the words that make the score", async () => {
  const first = () => text("#results > li:first-child");
  assert.match(await first(), /^A heavy storm delayed all trains.*6\.7\d.*railway 5\d %train \d\d %/);
  await written("#query", "how to make a loaf", "#results");
  assert.match(await first(), /^To bake bread at home/);
  await page.click("summary");
  await written("#documents", "A loaf of bread\nA ship\n\nA cake", "#results");
  assert.equal(await page.locator("#results > li").count(), 3);
  assert.match(await first(), /^A loaf of bread/);
});

test("texts at the edge", async () => {
  await written("#text", "", "#text-summary");
  assert.match(await text("#pieces"), /^\[CLS\]\[SEP\]$/);
  const type = (value) =>
    page.evaluate((given) => {
      const field = document.getElementById("text");
      field.value = JSON.parse(given); // a lone surrogate does not survive the way here
      field.dispatchEvent(new Event("input"));
    }, value);
  await type('"half \\ud83d"');
  await page.waitForSelector("#text-error:not([hidden])");
  assert.match(await text("#text-error"), /lone surrogate \(U\+D83D\) at character 5/);
  assert.equal(await page.isVisible("#words"), false);
  await type(JSON.stringify("storm ".repeat(175000)));
  await page.waitForSelector("#text-error", { state: "hidden" });
  await page.waitForFunction(() =>
    /Only the first 512 tokens/.test(document.getElementById("text-summary").textContent),
  );
  await page.fill("#documents", "");
  await page.waitForFunction(() => /0 of 0 documents/.test(document.getElementById("rank-summary").textContent));
});

test("everything can be reached and worked by keyboard", async () => {
  await page.reload();
  await settled(page);
  const reached = [];
  for (let step = 0; step < 6; step += 1) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
    if (reached.at(-1) === "more") await page.keyboard.press("Enter");
    if (reached.at(-1) === "SUMMARY") await page.keyboard.press("Space");
  }
  assert.deepEqual(reached, ["text", "more", "query", "SUMMARY", "documents", "verify"]);
  assert.equal(await page.getAttribute("#more", "aria-expanded"), "true");
});

/** The smallest contrast of visible texts with the ground below them, and which that is. */
function contrasts() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (node) => {
    if (!node) return [255, 255, 255];
    const [r, g, b, alpha = 1] = channels(getComputedStyle(node).backgroundColor);
    const below = alpha < 1 ? ground(node.parentElement) : [0, 0, 0];
    return [r, g, b].map((channel, at) => channel * alpha + below[at] * (1 - alpha));
  };
  const texts = [...document.querySelectorAll("body *")].filter(
    (node) =>
      node.checkVisibility() &&
      !node.disabled &&
      [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()),
  );
  return texts
    .map((node) => {
      const [light, dark] = [luminance(channels(getComputedStyle(node).color)), luminance(ground(node))].sort(
        (a, b) => b - a,
      );
      return [(light + 0.05) / (dark + 0.05), node.textContent];
    })
    .sort((left, right) => left[0] - right[0])[0];
}

for (const colorScheme of ["light", "dark"]) {
  test(`${colorScheme}: text stands out, and a phone needs no sideways scrolling`, async () => {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(200);
    const [worst, where] = await page.evaluate(contrasts);
    assert.ok(worst >= 4.5, `contrast ${worst} of ${where}`);
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} pixels at ${width}`);
    }
  });
}

test("a tokenizer's hard texts have the ids that Python gives them", async () => {
  const wrong = await page.evaluate(async () => {
    const { BundleTokenizer } = await import("/sparse-client/tokens.js");
    const { cases, tokenizers } = await (await fetch("/cases.json")).json();
    const wrong = [];
    const made = new Map();
    for (const name of Object.keys(tokenizers)) {
      const file = await (await fetch(`/tokenizers/${name}.json`)).text();
      for (const { text, ids, special, maxLength } of cases.filter((one) => one.tokenizer === name)) {
        const key = `${name} ${maxLength}`;
        if (!made.has(key)) made.set(key, await BundleTokenizer.load(file, name, maxLength));
        const [found] = await made.get(key).ids([text], { prompt: "", addSpecialTokens: special });
        if (found.join() !== ids.join()) wrong.push(text);
      }
    }
    return wrong;
  });
  assert.deepEqual(wrong, []);
});

for (const name of Object.keys(bundles)) {
  test(`${name}: the browser's vectors are PyTorch's as near as promised`, async () => {
    const reports = await page.evaluate(async (folder) => {
      const { LocalEncoder } = await import("/sparse-client/browser.js");
      const encoder = await LocalEncoder.load(folder, { threads: 2 });
      const found = await encoder.verify();
      await encoder.release();
      return found;
    }, `/bundles/${name}/`);
    assert.ok(Object.values(reports).every(({ texts }) => texts >= 38));
  });
}

test("the page itself can check against PyTorch", async () => {
  await page.click("#verify");
  await page.waitForFunction(() => /promise is kept/.test(document.getElementById("verify-result").textContent));
  assert.match(await text("#verify-result"), /^39 document vectors: same token ids, mean cosine 0\.99/);
});

test("two towers: the page loads both, and checks both", async () => {
  const view = await opened(context, `${url}?bundle=bundles/towers-fp32/`);
  assert.equal(await view.getAttribute("#status", "data-state"), "ready", await view.textContent("#status"));
  const { files } = JSON.parse(await readFile(join(bundles["towers-fp32"], "manifest.json"), "utf8"));
  const loaded = Object.entries(files)
    .filter(([name]) => name !== "README.md")
    .reduce((sum, [, { size }]) => sum + size, 0);
  assert.match(await view.textContent("#status"), new RegExp(`model ${(loaded / 1e6).toFixed(1)} MB`));
  await view.click("#verify");
  await view.waitForFunction(() => /promise is kept/.test(document.getElementById("verify-result").textContent));
  assert.match(
    await view.textContent("#verify-result"),
    /39 document vectors: same token ids.* 39 query vectors: same token ids/,
  );
  await view.close();
});

test("threads where the page is isolated", async () => {
  const isolated = await opened(context, `${url}?threads=2`);
  assert.match(await isolated.textContent("#status"), /2 threads/);
  await isolated.close();
  const plain = await serve(site, { isolated: false });
  const single = await opened(context, `http://localhost:${plain.address().port}/?threads=2`);
  assert.match(await single.textContent("#status"), /1 thread\b/);
  await single.close();
  plain.closeAllConnections();
  plain.close();
});

/** @type {[string, RegExp, (manifest: any, folder: string) => unknown][]} */
const BROKEN = [
  [
    "missing",
    /document\.onnx is missing \(HTTP 404\) although manifest\.json names it/,
    (_, folder) => rm(join(folder, "document.onnx")),
  ],
  [
    "altered",
    /tokenizer\.json was altered: its sha256/,
    async (_, folder) => {
      const file = join(folder, "tokenizer.json");
      await writeFile(file, (await readFile(file, "utf8")).replace("weather", "wxather"));
    },
  ],
  [
    "prompted",
    /document: other token ids than PyTorch for "[^"]*", from position \d+ on/,
    ({ routes }) => (routes.document.prompt = "x "),
  ],
  [
    "longer",
    /decode\.onnx has \d+ bytes, manifest\.json says \d+/,
    (_, folder) => appendFile(join(folder, "decode.onnx"), "x"),
  ],
  [
    "newer",
    /bundle format 2, this sparse-client reads 1 at most: upgrade it/,
    (manifest) => (manifest.format_version = 2),
  ],
  ["html", /manifest\.json is not valid JSON/, null],
  ["nowhere", /is not a bundle: its manifest\.json answers HTTP 404/, undefined],
];

for (const [name, message, change] of BROKEN) {
  test(`the page and the promise name a bundle that is ${name}`, async () => {
    const folder = join(site, "bad", name);
    if (change) await changed("splade-int8", folder, change);
    if (change === null) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "manifest.json"), "<html>");
    }
    const view = await opened(context, `${url}?bundle=bad/${name}/`);
    assert.equal(await view.getAttribute("#status", "data-state"), "failed");
    assert.match(await view.textContent("#status"), message);
    const promised = await view.evaluate(async (root) => {
      const { LocalEncoder, BundleError } = await import("/sparse-client/browser.js");
      try {
        const encoder = await LocalEncoder.load(root);
        await encoder.decode(await encoder.encodeDocuments(["a"]));
        return "no error";
      } catch (error) {
        return `${error instanceof BundleError} ${error.message}`;
      }
    }, `/bad/${name}/`);
    assert.match(promised, message);
    assert.match(promised, /^true /);
    await view.close();
  });
}

test("a browser without SIMD in its WebAssembly", async () => {
  const old = await launch({ flags: ["--js-flags=--no-enable-sse4-1"] });
  try {
    const view = await opened(old, url);
    assert.match(
      await view.textContent("#status"),
      /^\s*this browser has no WebAssembly SIMD, which ONNX Runtime needs/,
    );
    const promised = await view.evaluate(async () => {
      const { LocalEncoder } = await import("/sparse-client/browser.js");
      const encoder = await LocalEncoder.load("/bundle/");
      return encoder.encodeDocuments(["a"]).catch((error) => `${error.name}: ${error.message}`);
    });
    assert.match(promised, /^SparseClientError: this browser has no WebAssembly SIMD/);
  } finally {
    await old.close();
  }
});

test("the documented lines work when pasted", async () => {
  const page = await readFile(new URL("../../../docs/other-languages.md", import.meta.url), "utf8");
  const [, lines] = /## Browser[\s\S]*?```html\n([\s\S]*?)```/.exec(page);
  await writeFile(join(site, "pasted.html"), lines);
  const view = await context.newPage();
  await view.goto(`${url}pasted.html`);
  await view.waitForFunction(() => /weather/.test(document.body.textContent), null, { timeout: 30_000 });
  await view.close();
});

test("a newer build replaces what was kept", async () => {
  await page.goto(url);
  await settled(page);
  for (const [name, from, to] of [
    ["index.html", /data-version="([\s\S]*)<h1>.*<\/h1>/, 'data-version="newer$1<h1>Newer</h1>'],
    ["service-worker.js", /VERSION = "/, "$&newer"],
  ]) {
    await writeFile(join(site, name), (await readFile(join(site, name), "utf8")).replace(from, to));
  }
  await page.goto(url);
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Newer");
  await settled(page);
  assert.equal(await page.getAttribute("#status", "data-state"), "ready", await text("#status"));
});

test("without the server, the page still works", async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await page.goto(url);
  await settled(page);
  assert.equal(await page.getAttribute("#status", "data-state"), "ready", await text("#status"));
  assert.match(await text("#status"), /works offline/);
  await written("#text", "a walk in the rain", "#text-summary");
  assert.ok((await page.locator("#tokens .own .token").allTextContents()).includes("rain"));
});
