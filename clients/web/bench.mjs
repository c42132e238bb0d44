/** Measure the page in Chromium: bytes, time to the first result, time of a 20-word text in one thread. */

import { CHROMIUM, launch, opened } from "./browser.mjs";
import { serve } from "./serve.mjs";

const TEXT =
  "The committee approved the new budget after a long debate last night but two older members voted against it again.";
const ROUNDS = 5;
const RUNS = 40;

/** @param {number[]} numbers */
const median = (numbers) => numbers.sort((left, right) => left - right)[numbers.length >> 1];

/** One first visit: a fresh profile, a fresh server. */
async function visit(site) {
  const server = await serve(site, { isolated: false });
  const context = await launch();
  try {
    const page = await opened(context, `http://localhost:${server.address().port}/`);
    const first = Number(await page.getAttribute("body", "data-ready"));
    const model = Number(/model ([\d.]+) MB/.exec(await page.textContent("#status"))[1]);
    const { sent } = server;
    const runs = await page.evaluate(encode, [TEXT, RUNS]);
    return { first, model, sent, runs };
  } finally {
    await context.close();
    server.closeAllConnections();
    server.close();
  }
}

/** In the page: milliseconds of each run, the first of which the browser is still compiling for. */
async function encode([text, runs]) {
  const { LocalEncoder } = await import("/sparse-client/browser.js");
  const encoder = await LocalEncoder.load("/bundle/", { threads: 1 });
  const found = [];
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    await encoder.encodeDocuments([text]);
    found.push(performance.now() - started);
  }
  return found;
}

const visits = [];
for (let round = 0; round < ROUNDS; round += 1) visits.push(await visit(process.argv[2]));
const warm = visits.flatMap(({ runs }) => runs.slice(RUNS / 2));
const rows = [
  ["page and model, transferred", `${(visits[0].sent / 1e6).toFixed(1)} MB`, "20 MB"],
  ["of which the model", `${visits[0].model.toFixed(1)} MB`, "10 MB"],
  ["first result of a first visit", `${(median(visits.map(({ first }) => first)) / 1000).toFixed(2)} s`, "3 s"],
  ["text of 20 words, first run, loading included", `${median(visits.map(({ runs }) => runs[0])).toFixed(0)} ms`, ""],
  ["text of 20 words, warm", `${median(warm).toFixed(0)} ms`, "60 ms"],
];
console.log(`${CHROMIUM}, loopback, 1 thread, medians of ${ROUNDS} visits`);
console.log("| browser | measured | at most |\n| --- | --- | --- |");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
