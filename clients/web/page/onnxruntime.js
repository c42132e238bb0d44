/** ONNX Runtime with its WebAssembly unpacked here: any static host then sends 4 MB of it, not 14. */

import * as ort from "./ort.wasm.bundle.min.mjs";

const packed = await fetch(new URL("ort-wasm-simd-threaded.wasm.gzip", import.meta.url));
if (!packed.ok) throw new Error(`the WebAssembly of ONNX Runtime is missing (HTTP ${packed.status})`);
const bytes = await packed.arrayBuffer();

/** Bytes that came over the network. */
export const byteLength = bytes.byteLength;
ort.env.wasm.wasmBinary = await new Response(
  new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")),
).arrayBuffer();

export const { InferenceSession, Tensor, env } = ort;
