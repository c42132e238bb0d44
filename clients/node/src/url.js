/** A bundle behind a URL: fetched, checked, run by onnxruntime-web. */

import { BundleError, reason, SparseClientError } from "./errors.js";
import { inTurn, onGpu, Retreating } from "./gpu.js";
import { MANIFEST, parseManifest } from "./manifest.js";
import { checkRuntime } from "./runtime.js";
import { BundleTokenizer } from "./tokens.js";

/**
 * Is told of the bytes of a file that have come in.
 * @callback OnProgress
 * @param {{file: string, loaded: number, total: number}} progress
 * @returns {void}
 */

// The exporter has fused what there is to fuse: to optimize again makes the first result wait and gains little after.
const SESSION = /** @type {const} */ ({ graphOptimizationLevel: "disabled" });

// The smallest module with an instruction of the SIMD proposal: (i32.const 0) i8x16.splat i8x16.popcnt drop
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 11, 1, 9, 0, 65, 0, 253, 15, 253, 98, 26, 11,
];

/**
 * @param {string} root The bundle's URL, with a slash at the end.
 * @returns {Promise<import("./manifest.js").Manifest>}
 * @throws {BundleError} If there is not a bundle, or a newer one.
 */
export async function openUrl(root) {
  const answer = await got(root, MANIFEST);
  return parseManifest(await answer.text(), root);
}

/**
 * @typedef {object} UrlOptions
 * @property {number | null} threads
 * @property {string} wanted The device that the user asked for.
 * @property {import("./gpu.js").Device} device What `chooseDevice` made of it.
 * @property {OnProgress} [onProgress]
 */

/**
 * @param {string} root
 * @param {import("./manifest.js").Manifest} manifest
 * @param {UrlOptions} options
 * @returns {import("./sessions.js").Host} Its `device` becomes `wasm` where the GPU fails.
 */
export function urlHost(root, manifest, { threads, wanted, device, onProgress }) {
  const encoders = new Set(Object.values(manifest.routes).map(({ graph }) => graph));
  const read = (/** @type {string} */ file) => readChecked(root, file, manifest.files[file], onProgress);
  const load = async (/** @type {string} */ file, /** @type {Promise<Uint8Array>} */ reading) => {
    const gpu = host.device === "webgpu";
    const [ort, bytes] = await Promise.all([runtime(gpu, threads), reading]);
    const executionProviders = gpu && encoders.has(file) ? onGpu(bytes) : ["wasm"];
    const create = () => ort.InferenceSession.create(bytes, { ...SESSION, executionProviders });
    try {
      return { session: await (gpu ? inTurn(create) : create()), Tensor: ort.Tensor };
    } catch (error) {
      throw new BundleError(`${root}${file} cannot be loaded by onnxruntime-web: ${reason(error)}`, { cause: error });
    }
  };
  const retreat = async (/** @type {string} */ file, /** @type {unknown} */ error) => {
    if (wanted === "webgpu")
      throw new BundleError(`${reason(error)} (on WebGPU; device "wasm" may run it)`, { cause: error });
    console.warn(`${root}${file}: WebGPU failed, WebAssembly takes over: ${reason(error)}`);
    host.device = "wasm";
    return load(file, read(file));
  };
  const host = {
    name: root,
    device,
    read,
    tokenizer: BundleTokenizer.load,
    session: async (/** @type {string} */ file) => {
      requireSimd();
      const reading = read(file);
      if (host.device === "wasm") return load(file, reading);
      try {
        const loaded = await load(file, reading);
        return {
          session: /** @type {any} */ (new Retreating(loaded, (error) => retreat(file, error))),
          Tensor: loaded.Tensor,
        };
      } catch (error) {
        await reading; // what is wrong with the file is not a fault of the GPU
        return retreat(file, error);
      }
    },
  };
  return host;
}

function requireSimd() {
  if (globalThis.WebAssembly?.validate(new Uint8Array(SIMD))) return;
  throw new SparseClientError(
    "this browser has no WebAssembly SIMD, which ONNX Runtime needs: update it, or use a server",
  );
}

/** @param {boolean} gpu @param {number | null} threads */
async function runtime(gpu, threads) {
  const loading = gpu ? import("onnxruntime-web/webgpu") : import("onnxruntime-web/wasm");
  const ort = await loading.catch((error) => {
    throw new SparseClientError(`a graph needs onnxruntime-web (${reason(error)}): npm install onnxruntime-web`);
  });
  checkRuntime("onnxruntime-web", ort.env.versions.web);
  // Workers share memory only in an isolated page; elsewhere more than one thread is refused with a warning.
  const isolated = globalThis.crossOriginIsolated === true;
  ort.env.wasm.numThreads = isolated ? (threads ?? Math.min(4, Math.ceil(navigator.hardwareConcurrency / 2))) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * @param {string} root
 * @param {string} file
 * @param {{size: number, sha256: string}} expected
 * @param {OnProgress} [onProgress]
 * @returns {Promise<Uint8Array>}
 */
async function readChecked(root, file, expected, onProgress) {
  const answer = await got(root, file);
  const bytes = await received(answer, (loaded) => onProgress?.({ file, loaded, total: expected.size })).catch(
    (error) => {
      throw new BundleError(`${root}${file} broke off (${reason(error)}): try again`, { cause: error });
    },
  );
  if (bytes.length !== expected.size) {
    throw new BundleError(
      `${root}${file} has ${bytes.length} bytes, ${MANIFEST} says ${expected.size}; copy the bundle again`,
    );
  }
  // Browsers offer sha256 only on https and on localhost.
  if (globalThis.crypto?.subtle && (await sha256(bytes)) !== expected.sha256) {
    throw new BundleError(`${root}${file} was altered: its sha256 is not that of ${MANIFEST}; copy the bundle again`);
  }
  return bytes;
}

/** @param {string} root @param {string} file @returns {Promise<Response>} */
async function got(root, file) {
  let answer;
  try {
    answer = await fetch(root + file);
  } catch (error) {
    throw new BundleError(`${root}${file} cannot be fetched (${reason(error)}): is the server up?`, { cause: error });
  }
  if (answer.ok) return answer;
  throw new BundleError(
    file === MANIFEST
      ? `${root} is not a bundle: its ${MANIFEST} answers HTTP ${answer.status}; give a folder sparse-export wrote`
      : `${root}${file} is missing (HTTP ${answer.status}) although ${MANIFEST} names it; copy the bundle again`,
  );
}

/** @param {Response} answer @param {(loaded: number) => void} tell @returns {Promise<Uint8Array>} */
async function received(answer, tell) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let loaded = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    loaded += next.value.length;
    tell(loaded);
  }
  const bytes = new Uint8Array(loaded);
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}

/** @param {Uint8Array} bytes @returns {Promise<string>} */
async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
