/** ONNX Runtime for WebGPU, nearly twice as large: fetched only where it is used. */

import * as ort from "./ort.webgpu.bundle.min.mjs";
import { unpacked } from "./unpacked.js";

const { byteLength, wasmBinary } = await unpacked("ort-wasm-simd-threaded.asyncify.wasm.gzip");
ort.env.wasm.wasmBinary = wasmBinary;

/** Bytes that came over the network. */
export { byteLength };
export const { InferenceSession, Tensor, env } = ort;
