/** All computing: the page stays responsive while a text is encoded. */

import { LocalEncoder } from "./sparse-client/browser.js";

let encoder;

const methods = {
  async load({ bundle, threads, device }) {
    const loaded = new Map();
    encoder = await LocalEncoder.load(new URL(bundle, location.href), { threads, device, onProgress });
    const { files, precision, family, source } = encoder.manifest;
    const total = encoder.needed.reduce((sum, name) => sum + files[name].size, 0);
    function onProgress({ file, loaded: bytes }) {
      loaded.set(file, bytes);
      const sum = [...loaded.values()].reduce((left, right) => left + right, 0);
      postMessage({ progress: { loaded: Math.min(sum, total), total } });
    }
    // Fetches and compiles all side by side.
    await Promise.all([encoder.encodeDocuments(["a"]), encoder.encodeQueries(["a"]), encoder.labels([0])]);
    const gpu = encoder.device === "webgpu"; // the runtime is already there: the graph was run by it
    const { byteLength, env } = await import(gpu ? "./vendor/onnxruntime-webgpu.js" : "./vendor/onnxruntime.js");
    const modelBytes = [...loaded.values()].reduce((left, right) => left + right, 0);
    const name = source ?? family;
    return { name, precision, gpu, modelBytes, runtimeBytes: byteLength, threads: env.wasm.numThreads };
  },

  async analyse(text) {
    const ids = await encoder.tokenIds(text);
    const started = performance.now();
    const [vector] = await encoder.encodeDocuments([text]);
    const ms = performance.now() - started;
    const weights = vector.toMap();
    const own = new Set(ids);
    const tokens = await labels(vector);
    const pieces = await encoder.labels(ids);
    return {
      ms,
      read: ids.length,
      limit: encoder.manifest.routes.document.maxLength,
      pieces: pieces.map((token, at) => ({ token, weight: weights.get(ids[at]) ?? 0 })),
      tokens: tokens.map((token, at) => ({
        token,
        weight: vector.values[at],
        own: own.has(vector.indices[at]),
      })),
    };
  },

  async rank(query, documents) {
    const started = performance.now();
    const [wanted] = await encoder.encodeQueries([query]);
    const vectors = await encoder.encodeDocuments(documents);
    const ms = performance.now() - started;
    const results = [];
    for (const [position, vector] of vectors.entries()) {
      const contributions = await encoder.explain(wanted, vector);
      results.push({ position, score: wanted.dot(vector), contributions });
    }
    results.sort((left, right) => right.score - left.score || left.position - right.position);
    return { ms: ms / (documents.length + 1), results };
  },

  verify: () => encoder.verify(),
};

function labels(vector) {
  return encoder.labels([...vector.indices]);
}

self.addEventListener("message", async ({ data: { id, method, parameters } }) => {
  try {
    postMessage({ id, result: await methods[method](...parameters) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
});
