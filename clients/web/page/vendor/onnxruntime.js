/** ONNX Runtime for WebAssembly. */

import * as ort from "./ort.wasm.bundle.min.mjs";
import { unpacked } from "./unpacked.js";

const { byteLength, wasmBinary } = await unpacked("ort-wasm-simd-threaded.wasm.gzip");
ort.env.wasm.wasmBinary = wasmBinary;

/** Bytes that came over the network. */
export { byteLength };
export const { InferenceSession, Tensor, env } = ort;
