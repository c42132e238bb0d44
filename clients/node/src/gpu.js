/** Graphs on the GPU, by onnxruntime-web's WebGPU build: when it can be, and what to do when it fails. */

import { InputError, SparseClientError } from "./errors.js";
import { nodesOf } from "./nodes.js";

/** @typedef {"wasm" | "webgpu"} Device */
/** @typedef {import("./sessions.js").Loaded} Loaded */

const CHOICES = ["auto", "wasm", "webgpu"];

/**
 * @param {string} wanted `auto`, `wasm` or `webgpu`.
 * @param {string} precision The bundle's.
 * @returns {Promise<Device>} What graphs shall run on.
 * @throws {InputError} If it is another word.
 * @throws {SparseClientError} If WebGPU is wanted and cannot be.
 */
export async function chooseDevice(wanted, precision) {
  if (!CHOICES.includes(wanted)) throw new InputError(`device is ${wanted}, expected one of ${CHOICES.join(", ")}`);
  if (wanted === "wasm") return "wasm";
  const obstacle = await obstacleTo(precision, wanted === "auto");
  if (!obstacle) return "webgpu";
  if (wanted === "auto") return "wasm";
  throw new SparseClientError(`device webgpu: ${obstacle}, or load with device "wasm"`);
}

/** @param {string} precision @param {boolean} fast Whether it must be quicker than WebAssembly, too. */
async function obstacleTo(precision, fast) {
  if (precision === "int8") return "products of 8-bit integers have no WebGPU kernels: give an fp32 or fp16 bundle";
  const adapter = await /** @type {any} */ (globalThis.navigator)?.gpu?.requestAdapter().catch(() => null);
  if (!adapter)
    return "this browser has no WebGPU, or no GPU that it uses: update it, turn WebGPU on, open the page by https";
  if (precision === "fp16" && !adapter.features.has("shader-f16")) {
    return "this GPU has no 16-bit floats (shader-f16): give an fp32 bundle";
  }
  if (fast && (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter))
    return "this adapter is the CPU in disguise";
  return null;
}

/** @param {Uint8Array} model @returns {import("onnxruntime-common").InferenceSession.ExecutionProviderConfig[]} */
export function onGpu(model) {
  // Its attention knows no padding mask, and errs on longer texts where it is given as a bias: the CPU does that part.
  return [{ name: "webgpu", forceCpuNodeNames: nodesOf(model, "MultiHeadAttention") }];
}

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * The WebGPU build waits for the GPU in the middle of a call: no other call, of any session, may enter meanwhile.
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
export function inTurn(call) {
  const turn = last.then(call);
  last = turn.catch(() => {});
  return turn;
}

/** A session of the WebGPU build that gives way to another when a run fails. */
export class Retreating {
  /** @param {Loaded} loaded @param {(error: unknown) => Promise<Loaded>} retreat Gives another, or throws. */
  constructor(loaded, retreat) {
    this._loaded = loaded;
    /** @type {typeof retreat | null} */
    this._retreat = retreat;
  }

  get inputNames() {
    return this._loaded.session.inputNames;
  }

  get outputNames() {
    return this._loaded.session.outputNames;
  }

  /** @param {Record<string, any>} feeds @param {string[]} wanted */
  async run(feeds, wanted) {
    if (this._retreat) {
      const { session } = this._loaded;
      try {
        return await inTurn(() => session.run(feeds, wanted));
      } catch (error) {
        this._loaded = await this._retreat(error);
        this._retreat = null;
        inTurn(() => session.release()).catch(() => {}); // nothing is left of a lost device
      }
    }
    const { session, Tensor } = this._loaded;
    const own = Object.entries(feeds).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]);
    return session.run(Object.fromEntries(own), wanted);
  }

  async release() {
    const { session } = this._loaded;
    await (this._retreat ? inTurn(() => session.release()) : session.release());
  }
}
