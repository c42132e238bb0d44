/** A bundle in a folder, run by onnxruntime-node. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { arch, cpus } from "node:os";
import { isAbsolute, join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { BundleError, reason, SparseClientError } from "./errors.js";
import { MANIFEST, parseManifest } from "./manifest.js";
import { exactProducts } from "./products.js";
import { checkRuntime } from "./runtime.js";
import { rustTokenizer } from "./rust-tokens.js";

/**
 * Read a bundle's manifest and check its files.
 * @param {string} root The bundle's folder.
 * @param {boolean} checksums Also compare every file's sha256; sizes are always compared.
 * @returns {Promise<import("./manifest.js").Manifest>}
 * @throws {BundleError} If the folder is not a bundle, is too new, or a file is missing, altered, or outside of it.
 */
export async function openFolder(root, checksums) {
  const manifest = parseManifest(await readManifest(root), root);
  const base = await realpath(root);
  for (const [name, entry] of Object.entries(manifest.files)) {
    const file = join(root, name);
    const status = await stat(file).catch(() => null);
    if (!status?.isFile()) {
      throw new BundleError(`${file} is missing although ${MANIFEST} names it; copy or export the bundle again`);
    }
    const inside = relative(base, await realpath(file));
    if (inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new BundleError(
        `${root}: ${MANIFEST} names '${name}', which leads outside the bundle; copy links as files`,
      );
    }
    if (status.size !== entry.size) {
      throw new BundleError(
        `${file} has ${status.size} bytes, ${MANIFEST} says ${entry.size}; copy or export it again`,
      );
    }
    if (checksums && (await sha256(file)) !== entry.sha256) {
      throw new BundleError(`${file} was altered: its sha256 is not that of ${MANIFEST}; copy or export it again`);
    }
  }
  return manifest;
}

/**
 * @param {string} root
 * @param {import("./manifest.js").Manifest} manifest
 * @param {number | null} threads
 * @returns {import("./sessions.js").Host}
 */
export function folderHost(root, manifest, threads) {
  const maySaturate = manifest.precision === "int8" && manifest.cpu !== "any";
  return {
    name: root,
    read: async (file) => readFile(join(root, file)),
    tokenizer: rustTokenizer,
    session: async (file) => {
      // Here, because a query that is only looked up needs no ONNX Runtime.
      const { InferenceSession, Tensor, env } = await import("onnxruntime-node").catch(needsRuntime);
      checkRuntime("onnxruntime-node", env.versions.node);
      try {
        const exact = maySaturate && !(await exactProducts({ InferenceSession, Tensor })) ? { extra: EXACT } : {};
        const session = await InferenceSession.create(join(root, file), { ...sessionOptions(threads), ...exact });
        return { session, Tensor };
      } catch (error) {
        throw new BundleError(`${join(root, file)} cannot be loaded by onnxruntime-node: ${reason(error)}`);
      }
    },
  };
}

/** What graphs run on here, for those who read a report. @returns {Promise<string>} */
export async function place() {
  const { env } = await import("onnxruntime-node").catch(needsRuntime);
  return `${cpus()[0]?.model.trim() || arch()}, onnxruntime-node ${env.versions.node}`;
}

/** What makes 8-bit products exact, in twice the time. */
const EXACT = { session: { x64quantprecision: "1" } };

/** @param {number | null} threads */
function sessionOptions(threads) {
  return {
    executionProviders: ["cpu"],
    interOpNumThreads: 1,
    ...(threads === null ? {} : { intraOpNumThreads: threads }),
    enableMemPattern: false, // a plan for every shape met enlarges memory and is no faster
    logSeverityLevel: /** @type {const} */ (4), // errors are thrown as well; printed, they would come twice
  };
}

/** @param {unknown} error @returns {never} */
function needsRuntime(error) {
  throw new SparseClientError(`a graph needs onnxruntime-node (${reason(error)}): npm install onnxruntime-node`);
}

/** @param {string} root @returns {Promise<string>} */
async function readManifest(root) {
  try {
    return await readFile(join(root, MANIFEST), "utf8");
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? "";
    if (["ENOENT", "ENOTDIR"].includes(code)) {
      throw new BundleError(`${root} is not a bundle: it has no ${MANIFEST}; give a folder sparse-export wrote`);
    }
    throw new BundleError(`${join(root, MANIFEST)} cannot be read: ${reason(error)}`);
  }
}

/** @param {string} file @returns {Promise<string>} */
async function sha256(file) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
