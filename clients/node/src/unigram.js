/** Unigram tokenizers in the browser: by the Rust library in WebAssembly, which only such bundles fetch. */

import { BundleError, reason, SparseClientError } from "./errors.js";

/**
 * Text to the token ids of a tokenizer, without special tokens, which are not cut.
 * @typedef {(text: string) => number[]} Encode
 */

/**
 * @param {string} text The content of tokenizer.json.
 * @param {string} where Its name in errors.
 * @returns {Promise<Encode | null>} null for another kind of tokenizer, or none.
 * @throws {BundleError} If the library cannot read it.
 */
export async function unigram(text, where) {
  const json = parsed(text);
  if (json?.model?.type !== "Unigram") return null;
  const library = await import("@mlc-ai/web-tokenizers").catch(needsLibrary);
  // As a script it names itself globally; through a bundler it is a module.
  const { Tokenizer } = library.Tokenizer ? library : /** @type {any} */ (globalThis).tokenizers;
  const uncut = JSON.stringify({ ...json, truncation: null, padding: null });
  try {
    const tokenizer = await Tokenizer.fromJSON(new TextEncoder().encode(uncut).buffer);
    return (given) => Array.from(tokenizer.encode(given));
  } catch (error) {
    throw new BundleError(`${where} is not a tokenizer that web-tokenizers can read (${reason(error)})`, {
      cause: error,
    });
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // whoever reads it next says so
  }
}

/** @param {unknown} error @returns {never} */
function needsLibrary(error) {
  throw new SparseClientError(
    `a Unigram tokenizer needs the package @mlc-ai/web-tokenizers (${reason(error)}): npm install @mlc-ai/web-tokenizers`,
  );
}
