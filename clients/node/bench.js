/** Encode the texts of a JSON file once per line on standard input, and answer with the seconds it took. */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { LocalEncoder } from "./src/index.js";

const [bundle, file, threads] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(file, "utf8"));
const encoder = await LocalEncoder.load(bundle, { threads: Number(threads) });
for await (const _ of createInterface({ input: process.stdin })) {
  const started = performance.now();
  await encoder.encodeDocuments(texts);
  console.log((performance.now() - started) / 1000);
}
