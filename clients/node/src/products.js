/** Whether onnxruntime-node's 8-bit products are exact: on x86 with AVX2 and without VNNI they saturate at 16 bits. */

// A graph of one MatMulInteger: `a` uint8 [1, 16], zero point 128, times sixteen weights of 127.
export const PROBE =
  "CAg6hwEKMQoBYQoBdwoBehIBeRoUbm9kZV9NYXRNdWxJbnRlZ2VyXzAiDU1hdE11bEludGVnZXISAWcqGwgQCAEQA0IBd0oQf39/f39/f39/f39/f39/" +
  "fyoIEAJCAXpKAYBaEwoBYRIOCgwIAhIICgIIAQoCCBBiEwoBeRIOCgwIBhIICgIIAQoCCAFCBAoAEBI=";
const LARGEST = 255; // of an activation

/** @type {Promise<boolean> | undefined} */
let found;

/** @typedef {Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">} Runtime */

/** Tried once a process, which takes some 20 ms. @param {Runtime} runtime onnxruntime-node @returns {Promise<boolean>} */
export function exactProducts(runtime) {
  found ??= probe(runtime);
  return found;
}

/** @param {Runtime} runtime @returns {Promise<boolean>} */
async function probe({ InferenceSession, Tensor }) {
  const session = await InferenceSession.create(Buffer.from(PROBE, "base64"), { intraOpNumThreads: 1 });
  const { y } = await session.run({ a: new Tensor("uint8", new Uint8Array(16).fill(LARGEST), [1, 16]) });
  await session.release();
  return Number(y?.data[0]) === 16 * (LARGEST - 128) * 127;
}
