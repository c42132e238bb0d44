/** Replay the golden vectors of a bundle. */

import { BundleError, reason } from "./errors.js";
import { compare, failures } from "./parity.js";
import { SparseVector } from "./vectors.js";

export const GOLDEN = "golden.jsonl";

/**
 * One text and what PyTorch makes of it.
 * @typedef {{route: string, text: string, inputIds: number[], vector: SparseVector}} Golden
 */

/**
 * @typedef {object} Target
 * @property {(texts: string[]) => Promise<SparseVector[]>} encodeDocuments
 * @property {(texts: string[]) => Promise<SparseVector[]>} encodeQueries
 */

/**
 * @param {string} content Of golden.jsonl.
 * @param {string} where Its name in errors.
 * @returns {Golden[]}
 * @throws {BundleError} If a line is not a golden vector, or there is none.
 */
export function parseGolden(content, where) {
  const golden = content.split("\n").flatMap((line, number) => {
    if (!line) return [];
    try {
      const { route, text, input_ids: inputIds, indices, values } = JSON.parse(line);
      if (typeof route !== "string" || typeof text !== "string") throw new Error("route and text must be texts");
      return [{ route, text, inputIds: Array.from(inputIds), vector: new SparseVector(indices, values) }];
    } catch (error) {
      throw new BundleError(`${where}, line ${number + 1} is not a golden vector: ${reason(error)}`);
    }
  });
  if (golden.length === 0) throw new BundleError(`${where} has no golden vectors, so nothing can be replayed`);
  return golden;
}

/**
 * Replay a bundle's golden vectors, one text at a time, as PyTorch made them.
 * @param {import("./encoder.js").Encoder} encoder The bundle.
 * @param {Target} target What encodes: the bundle itself, or a server.
 * @returns {Promise<Record<string, import("./parity.js").Parity>>} A report for each route.
 * @throws {BundleError} If a token id differs, or a vector by more than the precision promises.
 */
export async function verifyVectors(encoder, target) {
  const golden = await encoder.golden();
  /** @type {Record<string, import("./parity.js").Parity>} */
  const reports = {};
  for (const route of new Set(golden.map((one) => one.route))) {
    const some = golden.filter((one) => one.route === route);
    for (const one of some) await checkIds(encoder, one);
    const vectors = [];
    for (const { text } of some) vectors.push(await encoded(target, text, route));
    reports[route] = compare(some.map((one) => one.vector), vectors, encoder.manifest.maxActiveDims);
    const missed = failures(reports[route], precisionOf(encoder.manifest, route));
    if (missed.length) {
      throw new BundleError(`${encoder.name}, ${route}: differs from PyTorch by more than it may: ${missed.join("; ")}`);
    }
  }
  return reports;
}

/** @param {Target} target @param {string} text @param {string} route @returns {Promise<SparseVector>} */
async function encoded(target, text, route) {
  const [vector] = await (route === "query" ? target.encodeQueries([text]) : target.encodeDocuments([text]));
  return vector;
}

/**
 * Only the document graph has a precision to choose; a look-up has no product to round.
 * @param {import("./manifest.js").Manifest} manifest
 * @param {string} route
 * @returns {"fp32" | "fp16" | "int8"}
 */
function precisionOf(manifest, route) {
  const shared = manifest.routes[route].graph === manifest.routes.document?.graph;
  return shared ? /** @type {"fp32" | "fp16" | "int8"} */ (manifest.precision) : "fp32";
}

/** @param {import("./encoder.js").Encoder} encoder @param {Golden} golden */
async function checkIds(encoder, { route, text, inputIds }) {
  const ids = await encoder.tokenIds(text, /** @type {"document" | "query"} */ (route));
  if (ids.length === inputIds.length && ids.every((id, at) => id === inputIds[at])) return;
  const at = ids.findIndex((id, position) => id !== inputIds[position]);
  throw new BundleError(
    `${encoder.name}, ${route}: other token ids than PyTorch for ${JSON.stringify(text.slice(0, 40))}, from position ` +
      `${at < 0 ? ids.length : at} on`,
  );
}
