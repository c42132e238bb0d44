/** A bundle's manifest.json, checked. */

import { BundleError, reason } from "./errors.js";

export const ROUTES = ["document", "query"];
export const FORMAT_VERSION = 1;
export const MANIFEST = "manifest.json";
const PRECISIONS = ["fp32", "fp16", "int8"];
const OUTPUTS = ["sparse", "dense"];

/**
 * How one kind of text becomes a vector.
 * @typedef {object} Route
 * @property {string} graph The file of the graph.
 * @property {string | null} tokenizer The file of the tokenizer; null for one that only Python can run.
 * @property {string | null} pythonTokenizer What to tell of that one.
 * @property {string} prompt What is put in front of every text.
 * @property {number | null} maxLength Tokens kept of a text, null for all.
 * @property {boolean} addSpecialTokens Whether the tokenizer adds tokens like [CLS].
 * @property {Precision} precision Whose promise holds for the graph; that of a look-up table is fp32.
 * @property {number | null} maxActiveDims How many dimensions a vector has at most, null for no limit.
 */

/** @typedef {"fp32" | "fp16" | "int8"} Precision */

/**
 * @typedef {object} Manifest
 * @property {string} family `splade`, `inference-free`, `csr`, or one that is yet to come.
 * @property {number} dimension Size of the vector space.
 * @property {Precision} precision
 * @property {string} cpu The processors that its int8 products are for: `any`, or `vnni`, where others have to be made
 *   exact; older bundles do not say, and are the latter. Without a meaning in another precision.
 * @property {number | null} denseDim Width of the dense embeddings that the graphs also give, null where they do not.
 * @property {string} output What the graphs give: `sparse` (indices and values) or `dense` (one embedding).
 * @property {Record<string, number> | null} tolerance What int8 vectors promise in place of the precision's own promise,
 *   where ranking was judged.
 * @property {string | null} source What it was made from.
 * @property {Record<string, Route>} routes
 * @property {Record<string, {size: number, sha256: string}>} files Every file of the bundle.
 * @property {string[]} contradictions What it says in two ways.
 */

/**
 * @param {string} text The file's content.
 * @param {string} where The bundle, for errors.
 * @returns {Manifest}
 * @throws {BundleError} If it is not a manifest, or of a newer format.
 */
export function parseManifest(text, where) {
  let raw;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new BundleError(`${where}: ${MANIFEST} is not valid JSON (${reason(error)}); export the bundle again`);
  }
  try {
    return read(raw, where);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    throw new BundleError(`${where}: ${MANIFEST} is broken: ${error.message}; export the bundle again`);
  }
}

class Broken extends Error {}

/** @param {any} raw @param {string} where @returns {Manifest} */
function read(raw, where) {
  if (!isObject(raw)) throw new Broken("it is not a JSON object");
  const version = field(raw, "format_version", "number");
  if (version > FORMAT_VERSION) {
    throw new BundleError(
      `${where} has bundle format ${version}, this sparse-client reads ${FORMAT_VERSION} at most: upgrade it`,
    );
  }
  checkInput(raw, where);
  const files = field(raw, "files", "object");
  for (const [name, entry] of Object.entries(files)) checkFile(name, entry, where);
  const routes = Object.entries(field(raw, "routes", "object"));
  const precision = oneOf(raw, "precision", PRECISIONS);
  const limit = countOrNull(raw, "max_active_dims", "the manifest");
  // Bundles from before routes had these fields: a second graph was always a look-up then.
  const older = (/** @type {any} */ route) => ({
    precision: route?.graph === raw.routes.document?.graph ? precision : "fp32",
    max_active_dims: limit,
  });
  return {
    family: field(raw, "family", "string"),
    dimension: field(raw, "dimension", "number"),
    precision,
    cpu: raw.cpu === undefined ? "vnni" : field(raw, "cpu", "string"),
    output: oneOf(raw, "output", OUTPUTS),
    denseDim: raw.dense_dim === undefined ? null : field(raw, "dense_dim", "number"),
    tolerance: readTolerance(raw),
    source: typeof raw.source?.id === "string" ? raw.source.id : null,
    routes: Object.fromEntries(
      routes.map(([name, route]) => [
        name,
        readRoute(name, isObject(route) ? { ...older(route), ...route } : route, files),
      ]),
    ),
    files,
    contradictions: contradictions(raw),
  };
}

/** What is said in two ways, for the bundle and for its routes; `verify` fails for it. @param {any} raw @returns {string[]} */
function contradictions(raw) {
  const routes = Object.entries(raw.routes);
  const prompts = routes.flatMap(([name, { prompt }]) =>
    raw.prompts && raw.prompts[name] !== prompt ? [`the prompt of ${name}`] : [],
  );
  const length = raw.routes.document?.max_length ?? null;
  return Object.hasOwn(raw, "max_length") && raw.max_length !== length ? [...prompts, "max_length"] : prompts;
}

/** @param {string} name @param {any} entry @param {string} where */
function checkFile(name, entry, where) {
  if (!isObject(entry)) throw new Broken(`the entry of file '${name}' is not an object`);
  field(entry, "size", "number");
  field(entry, "sha256", "string");
  // Names are joined to a folder or a URL, so that none may lead out of it.
  if (!name || /^[\\/]|[\0:?#%]|\\/.test(name) || name.split("/").some((part) => [".", "..", ""].includes(part))) {
    throw new BundleError(`${where}: ${MANIFEST} names '${name}', which leads outside the bundle`);
  }
}

/** @param {any} raw @param {string} where */
function checkInput(raw, where) {
  const input = raw.input ?? "tokens";
  if (input === "embedding") {
    throw new BundleError(
      `${where} takes dense embeddings (--sae-only), and this package takes texts: use it in Python, with ` +
        "LocalEncoder.encode_embeddings, or export the encoder with its texts",
    );
  }
  if (input !== "tokens")
    throw new Broken(`its graphs take ${JSON.stringify(input)}, expected 'tokens' or 'embedding'`);
}

/** Only int8 features of csr may promise less than their precision does. @param {any} manifest @returns {Record<string, number> | null} */
function readTolerance({ tolerance: raw, family, precision }) {
  if (raw === undefined) return null;
  if (family !== "csr" || precision !== "int8") {
    throw new Broken(`'tolerance' is for int8 of the family csr, not for ${precision} of ${family}`);
  }
  const names = { mean_cosine: "meanCosine", worst_cosine: "worstCosine", overlap: "overlap" };
  const right =
    isObject(raw) && Object.keys(raw).length === 3 && Object.keys(names).every((name) => Number.isFinite(raw[name]));
  if (!right) throw new Broken(`'tolerance' has not exactly the numbers ${Object.keys(names).join(", ")}`);
  return Object.fromEntries(Object.entries(names).map(([name, own]) => [own, raw[name]]));
}

/** @param {string} name @param {any} route @param {Record<string, unknown>} files @returns {Route} */
function readRoute(name, route, files) {
  if (!isObject(route)) throw new Broken(`route '${name}' is not an object`);
  const python = isObject(route.python_tokenizer) ? route.python_tokenizer : null;
  for (const key of python ? ["graph"] : ["graph", "tokenizer"]) {
    if (!Object.hasOwn(files, field(route, key, "string"))) {
      throw new Broken(`route '${name}' uses '${route[key]}', which is not among its 'files'`);
    }
  }
  const special = route.add_special_tokens ?? true; // what came before this key always added them
  if (typeof special !== "boolean") {
    throw new Broken(`route '${name}' has 'add_special_tokens' ${JSON.stringify(special)}, expected true or false`);
  }
  return {
    graph: route.graph,
    tokenizer: python ? null : route.tokenizer,
    pythonTokenizer: python && pythonAlone(python),
    prompt: field(route, "prompt", "string"),
    maxLength: countOrNull(route, "max_length", `route '${name}'`),
    addSpecialTokens: special,
    precision: oneOf(route, "precision", PRECISIONS),
    maxActiveDims: countOrNull(route, "max_active_dims", `route '${name}'`),
  };
}

/** Say that only Python runs a tokenizer. @param {any} tokenizer @returns {string} */
function pythonAlone(tokenizer) {
  const packages = Array.isArray(tokenizer.packages) ? tokenizer.packages : [];
  const install = ["transformers", ...packages].join(" ");
  return (
    `its tokenizer ${tokenizer.name} has no fast form (tokenizer.json), so texts need Python (pip install ${install}); ` +
    "make the token ids elsewhere and give them to encodeTokenIds"
  );
}

/** @param {any} value @returns {boolean} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {any} mapping @param {string} key @param {"string" | "number" | "object"} kind @returns {any} */
function field(mapping, key, kind) {
  const value = Object.hasOwn(mapping, key) ? mapping[key] : undefined;
  const names = { string: "a text", number: "a whole number", object: "an object" };
  const right = { string: typeof value === "string", number: Number.isInteger(value), object: isObject(value) }[kind];
  if (!right) throw new Broken(`'${key}' is missing or not ${names[kind]}`);
  return value;
}

/** @param {any} mapping @param {string} key @param {string[]} known @returns {any} One of the known. */
function oneOf(mapping, key, known) {
  const value = field(mapping, key, "string");
  if (!known.includes(value)) throw new Broken(`'${key}' is '${value}', expected ${known.join(" or ")}`);
  return value;
}

/** @param {any} mapping @param {string} key @param {string} where @returns {number | null} */
function countOrNull(mapping, key, where) {
  const value = mapping[key] ?? null;
  if (value === null) return null;
  if (!Number.isInteger(value) || value < 1) {
    throw new Broken(`${where} has '${key}' ${JSON.stringify(value)}, expected 1 or more, or null`);
  }
  return value;
}
