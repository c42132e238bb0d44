/**
 * Run graphs in WebAssembly, for scripts/processors.py: a run a line of standard input, its outputs a line of output.
 *
 *     {"graph": FILE, "inputs": {NAME: {"type", "dims", "data"}}, "wanted": [NAME]}  ->  {NAME: {"dims", "data"}}
 */

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import * as ort from "onnxruntime-web/wasm";

ort.env.wasm.numThreads = 1;
const sessions = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const { graph, inputs, wanted } = JSON.parse(line);
  if (!sessions.has(graph)) sessions.set(graph, await ort.InferenceSession.create(await readFile(graph)));
  const feeds = Object.entries(inputs).map(([name, { type, dims, data }]) => {
    const values = type === "int64" ? BigInt64Array.from(data, BigInt) : Float32Array.from(data);
    return [name, new ort.Tensor(type, values, dims)];
  });
  const outputs = await sessions.get(graph).run(Object.fromEntries(feeds), wanted);
  const found = wanted.map((name) => [name, { dims: outputs[name].dims, data: [...outputs[name].data] }]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(found))}\n`);
}
