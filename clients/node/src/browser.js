/** A bundle at a URL, run by onnxruntime-web in WebAssembly or on the GPU. */

import { Encoder } from "./encoder.js";
import { chooseDevice } from "./gpu.js";
import { count } from "./texts.js";
import { openUrl, urlHost } from "./url.js";

/**
 * @typedef {object} BrowserOnly
 * @property {"auto" | "wasm" | "webgpu"} [device] `auto`, if absent: WebGPU where there is a GPU that runs the bundle's
 *   precision, else WebAssembly, which also takes over where the GPU fails. `webgpu`: an error instead.
 * @property {import("./url.js").OnProgress} [onProgress] Is told what was fetched.
 */

/**
 * `threads`: more than one only where the page is cross-origin isolated.
 * @typedef {import("./encoder.js").EncoderOptions & BrowserOnly} BrowserOptions
 */

/** Encode texts with the graphs of a bundle at a URL. Files are fetched on first use and checked by sha256. */
export class LocalEncoder extends Encoder {
  /**
   * @param {string | URL} bundle The bundle's folder on a web server.
   * @param {BrowserOptions} [options]
   * @returns {Promise<LocalEncoder>}
   * @throws {import("./errors.js").SparseClientError} If the browser cannot run it.
   * @throws {import("./errors.js").BundleError} If the bundle is missing, broken or too new.
   */
  static async load(bundle, options = {}) {
    const threads = count("threads", options.threads, null);
    const wanted = options.device ?? "auto";
    const root = new URL(bundle, globalThis.location?.href).href.replace(/\/*$/, "/");
    const manifest = await openUrl(root);
    const device = await chooseDevice(wanted, manifest.precision);
    const host = urlHost(root, manifest, { threads, wanted, device, onProgress: options.onProgress });
    return new LocalEncoder(host, manifest, options);
  }

  /** What graphs run on: WebAssembly (`wasm`) or the GPU (`webgpu`). @returns {import("./gpu.js").Device} */
  get device() {
    return this._host.device ?? "wasm";
  }
}

export { SparseClient } from "./client.js";
export * from "./errors.js";
export { SparseVector } from "./vectors.js";
