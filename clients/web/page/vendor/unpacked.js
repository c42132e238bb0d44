/** ONNX Runtime's WebAssembly is packed by the build: any static host then sends a quarter of it. */

/**
 * @param {string} file Beside this one.
 * @returns {Promise<{byteLength: number, wasmBinary: ArrayBuffer}>} The bytes that came over the network, and what they hold.
 */
export async function unpacked(file) {
  const packed = await fetch(new URL(file, import.meta.url));
  if (!packed.ok) throw new Error(`the WebAssembly of ONNX Runtime is missing (HTTP ${packed.status})`);
  const bytes = await packed.arrayBuffer();
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return { byteLength: bytes.byteLength, wasmBinary: await new Response(stream).arrayBuffer() };
}
