/** Replay the golden vectors of a bundle. */

import { BundleError, reason } from "./errors.js";
import { MANIFEST } from "./manifest.js";
import { compare, failures, TOLERANCES } from "./parity.js";
import { SparseVector } from "./vectors.js";

export const GOLDEN = "golden.jsonl";

/**
 * One text and what PyTorch makes of it.
 * @typedef {{route: string, text: string, inputIds: number[], vector: SparseVector, dense?: number[]}} Golden
 */

/** @typedef {SparseVector[] | import("./outputs.js").Hybrid} Encoded */

/**
 * @typedef {object} Target
 * @property {(texts: string[], options: {dense: boolean}) => Promise<Encoded>} encodeDocuments
 * @property {(texts: string[], options: {dense: boolean}) => Promise<Encoded>} encodeQueries
 */

/**
 * @param {string} content Of golden.jsonl.
 * @param {string} where Its name in errors.
 * @returns {Golden[]}
 * @throws {BundleError} If a line is not a golden vector, or there is none.
 */
export function parseGolden(content, where) {
  const golden = lines(content, where, ({ indices, values, dense, ...text }) => {
    return { ...textOf(text), vector: new SparseVector(indices, values), dense };
  });
  if (golden.length === 0) throw new BundleError(`${where} has no golden vectors, so nothing can be replayed`);
  return golden;
}

/**
 * The golden texts alone, which is quicker: vectors are most of the file.
 * @param {string} content
 * @param {string} where
 * @returns {Omit<Golden, "vector">[]}
 */
export function parseGoldenIds(content, where) {
  return lines(content, where, textOf);
}

/**
 * @template T
 * @param {string} content
 * @param {string} where
 * @param {(fields: any) => T} read
 * @returns {T[]}
 */
function lines(content, where, read) {
  return content.split("\n").flatMap((line, number) => {
    if (!line) return [];
    try {
      return [read(JSON.parse(line))];
    } catch (error) {
      throw new BundleError(`${where}, line ${number + 1} is not a golden vector: ${reason(error)}`);
    }
  });
}

/** @param {any} fields @returns {Omit<Golden, "vector">} */
function textOf({ route, text, input_ids: inputIds }) {
  if (typeof route !== "string" || typeof text !== "string" || !Array.isArray(inputIds)) {
    throw new Error("route and text must be texts, input_ids a list");
  }
  return { route, text, inputIds };
}

/**
 * Replay a bundle's golden vectors, one text at a time, as PyTorch made them, and as the manifest says that each route
 * is encoded.
 * @param {import("./encoder.js").Encoder} encoder The bundle.
 * @param {Target} target What encodes: the bundle itself, or a server.
 * @returns {Promise<Record<string, import("./parity.js").Parity>>} A report for each route that has golden vectors.
 * @throws {BundleError} If the manifest says what golden vectors do not, a token id differs, or a vector by more than
 *   the precision promises.
 */
export async function verifyVectors(encoder, target) {
  const golden = await encoder.golden();
  checkManifest(encoder, golden);
  await checkFacts(encoder);
  /** @type {Record<string, import("./parity.js").Parity>} */
  const reports = {};
  for (const route of new Set(golden.map((one) => one.route))) {
    const some = golden.filter((one) => one.route === route);
    for (const one of some) checkIds(encoder.name, one, await encoder.tokenIds(one.text, /** @type {any} */ (route)));
    const dense = encoder.manifest.denseDim !== null;
    const found = [];
    for (const { text } of some) found.push(await encoded(target, text, route, dense));
    const vectors = found.map(({ vector }) => vector);
    reports[route] = judged(encoder, route, some, vectors);
    if (dense) checkDense(encoder, route, some, found);
  }
  const { contradictions } = encoder.manifest;
  if (contradictions.length === 0) return reports;
  throw new BundleError(
    `${encoder.name}: ${MANIFEST} says ${contradictions.join(" and ")} in two ways: export the bundle again`,
  );
}

/** @param {import("./encoder.js").Encoder} encoder @param {string} route @param {Golden[]} golden @param {SparseVector[]} vectors */
function judged({ name, manifest }, route, golden, vectors) {
  const { precision, maxActiveDims } = manifest.routes[route];
  let report;
  try {
    report = compare(
      golden.map((one) => one.vector),
      vectors,
      maxActiveDims,
      precision,
    );
  } catch (error) {
    throw new BundleError(`${name}, ${route}: ${reason(error)}`);
  }
  const missed = failures(report, (precision === "int8" && manifest.tolerance) || TOLERANCES[precision]);
  if (missed.length === 0) return report;
  throw new BundleError(`${name}, ${route}: differs from PyTorch by more than it may: ${missed.join("; ")}`);
}

/**
 * Dense embeddings are compared as vectors of all dimensions; their strongest ones mean nothing by themselves.
 * @param {import("./encoder.js").Encoder} encoder
 * @param {string} route
 * @param {Golden[]} golden
 * @param {{embedding?: Float32Array}[]} found
 */
function checkDense({ name, manifest }, route, golden, found) {
  const expected = golden.map(({ dense = [] }) => whole(dense));
  const { precision } = manifest.routes[route];
  const report = compare(
    expected,
    found.map(({ embedding = [] }) => whole(embedding)),
    null,
    precision,
  );
  const missed = failures(report, { ...TOLERANCES[precision], overlap: 0 });
  if (missed.length === 0) return;
  throw new BundleError(`${name}, ${route}: dense embeddings differ from PyTorch's: ${missed.join("; ")}`);
}

/** @param {ArrayLike<number>} embedding */
function whole(embedding) {
  const values = Array.from(embedding);
  return new SparseVector([...values.keys()], values);
}

/**
 * What golden vectors tell of the manifest before anything is encoded.
 * @param {import("./encoder.js").Encoder} encoder
 * @param {Golden[]} golden
 */
function checkManifest({ name, manifest }, golden) {
  const { routes, dimension } = manifest;
  for (const [route, entry] of Object.entries(routes)) {
    if (golden.some((one) => one.route === route) || isSame(entry, routes.document)) continue;
    throw new BundleError(`${name} has golden vectors, but none of its route '${route}': export the bundle again`);
  }
  for (const { route, text, vector } of golden) {
    const where = `${name}, ${route}: the golden vector of ${shown(text)}`;
    if (!Object.hasOwn(routes, route)) throw new BundleError(`${where} is of a route that ${MANIFEST} does not have`);
    const { maxActiveDims } = routes[route];
    if (maxActiveDims !== null && vector.length > maxActiveDims) {
      throw new BundleError(
        `${where} has ${vector.length} weights, ${MANIFEST} says ${maxActiveDims} at most (max_active_dims)`,
      );
    }
    const beyond = vector.indices.find((index) => index >= dimension);
    if (beyond === undefined) continue;
    throw new BundleError(`${where} has index ${beyond}, ${MANIFEST} says that there are ${dimension} dimensions`);
  }
}

/** Compare the manifest with what its graphs were written with; older ones do not say. @param {import("./encoder.js").Encoder} encoder */
async function checkFacts(encoder) {
  const { routes, dimension } = encoder.manifest;
  for (const [route, { graph, maxActiveDims }] of Object.entries(routes)) {
    const facts = await encoder.facts(graph);
    for (const [fact, said] of Object.entries({ dimension, max_active_dims: maxActiveDims ?? "none" })) {
      const written = facts.get(fact) ?? String(said);
      if (written === String(said)) continue;
      throw new BundleError(`${encoder.name}, ${route}: ${MANIFEST} says ${fact} ${said}, ${graph} has ${written}`);
    }
  }
}

/**
 * Whether golden vectors of documents prove a route, too: older bundles have no others where both are encoded alike.
 * @param {import("./manifest.js").Route} route
 * @param {import("./manifest.js").Route | undefined} documents
 */
function isSame(route, documents) {
  const keys = /** @type {const} */ ([
    "graph",
    "tokenizer",
    "prompt",
    "maxLength",
    "addSpecialTokens",
    "precision",
    "maxActiveDims",
  ]);
  return documents !== undefined && route !== documents && keys.every((key) => route[key] === documents[key]);
}

/**
 * @param {Target} target
 * @param {string} text
 * @param {string} route
 * @param {boolean} dense
 * @returns {Promise<{vector: SparseVector, embedding?: Float32Array}>}
 */
async function encoded(target, text, route, dense) {
  const found = await (route === "query"
    ? target.encodeQueries([text], { dense })
    : target.encodeDocuments([text], { dense }));
  return Array.isArray(found) ? { vector: found[0] } : { vector: found.vectors[0], embedding: found.dense[0] };
}

/**
 * @param {string} where The bundle.
 * @param {Omit<Golden, "vector">} golden
 * @param {number[]} ids Ours of the same text.
 * @throws {BundleError} If one differs.
 */
export function checkIds(where, { route, text, inputIds }, ids) {
  if (ids.length === inputIds.length && ids.every((id, at) => id === inputIds[at])) return;
  const at = ids.findIndex((id, position) => id !== inputIds[position]);
  throw new BundleError(
    `${where}, ${route}: other token ids than PyTorch for ${shown(text)}, from position ${at < 0 ? ids.length : at} on: ` +
      "this package would give other vectors; encode in Python or on a server",
  );
}

/** @param {string} text */
function shown(text) {
  return JSON.stringify(text.slice(0, 40));
}
