/** A bundle at a URL, run by onnxruntime-web in WebAssembly. */

import { Encoder } from "./encoder.js";
import { count } from "./texts.js";
import { openUrl, urlHost } from "./url.js";

/** Encode texts with the graphs of a bundle at a URL. Files are fetched on first use and checked by sha256. */
export class LocalEncoder extends Encoder {
  /**
   * @param {string | URL} bundle The bundle's folder on a web server.
   * @param {import("./encoder.js").EncoderOptions & {onProgress?: import("./url.js").OnProgress}} [options] `threads`:
   *   more than one only where the page is cross-origin isolated. `onProgress`: is told what was fetched.
   * @returns {Promise<LocalEncoder>}
   * @throws {import("./errors.js").SparseClientError} If the browser cannot run it.
   * @throws {import("./errors.js").BundleError} If the bundle is missing, broken or too new.
   */
  static async load(bundle, options = {}) {
    const threads = count("threads", options.threads, null);
    const root = new URL(bundle, globalThis.location?.href).href.replace(/\/*$/, "/");
    const manifest = await openUrl(root);
    return new LocalEncoder(urlHost(root, manifest, threads, options.onProgress), manifest, options);
  }
}

export { SparseClient } from "./client.js";
export * from "./errors.js";
export { SparseVector } from "./vectors.js";
