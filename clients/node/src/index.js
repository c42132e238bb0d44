/**
 * Sparse text vectors from an exported bundle, or from the Triton server that serves it.
 *
 * @example
 * import { LocalEncoder } from "sparse-client";
 * const encoder = await LocalEncoder.load("bundle/");
 * const [vector] = await encoder.encodeQueries(["nice weather"]);
 */

import { SparseClient as ServerClient } from "./client.js";
import { Encoder } from "./encoder.js";
import { folderHost, openFolder } from "./folder.js";
import { count } from "./texts.js";

/** Encode texts with the graphs of a bundle in a folder. Graphs are loaded on first use. */
export class LocalEncoder extends Encoder {
  /**
   * @param {string} bundle The bundle's folder.
   * @param {import("./encoder.js").EncoderOptions & {checksums?: boolean}} [options] `checksums`: check the sha256 of
   *   every file before opening it; sizes are always checked.
   * @returns {Promise<LocalEncoder>}
   * @throws {import("./errors.js").BundleError} If the bundle is missing, incomplete, broken or too new.
   */
  static async load(bundle, options = {}) {
    const threads = count("threads", options.threads, null);
    const manifest = await openFolder(bundle, options.checksums ?? false);
    return new LocalEncoder(folderHost(bundle, manifest, threads), manifest, options);
  }
}

/** Encode texts on a Triton server. */
export class SparseClient extends ServerClient {
  /**
   * Replay a bundle's golden vectors through the server.
   * @param {Encoder | string} bundle The bundle that the server is said to serve, or its folder.
   */
  async verify(bundle) {
    return super.verify(typeof bundle === "string" ? await LocalEncoder.load(bundle) : bundle);
  }
}

export * from "./errors.js";
export { SparseVector } from "./vectors.js";
