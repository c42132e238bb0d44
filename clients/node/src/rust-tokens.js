/** Text to token ids by the Rust library that made the bundle's tokenizer.json: every tokenizer it reads is exact. */

import { BundleError, reason, SparseClientError } from "./errors.js";

/**
 * @param {string} text The content of tokenizer.json.
 * @param {string} where Its name in errors.
 * @param {number | null} maxLength Tokens of a text, special tokens included; null for no limit.
 * @returns {Promise<import("./sessions.js").Tokenizer>}
 * @throws {BundleError} If the library cannot read it, or it draws its ids at random.
 */
export async function rustTokenizer(text, where, maxLength) {
  const { Tokenizer } = await import("tokenizers").catch(needsLibrary);
  const { tokenizer, padding, truncation } = read(text, where, Tokenizer);
  tokenizer.disablePadding();
  if (maxLength === null) tokenizer.disableTruncation();
  else tokenizer.setTruncation(maxLength, { direction: truncation?.direction === "Left" ? "left" : "right" });

  /** @param {string[]} texts @param {import("./manifest.js").Route} route @returns {Promise<number[][]>} */
  async function ids(texts, { prompt, addSpecialTokens }) {
    const options = { addSpecialTokens };
    const [empty, ...found] = await tokenizer.encodeBatch(["", ...texts.map((one) => prompt + one)], options);
    if (maxLength !== null && empty.getLength() > maxLength) {
      // The library would then cut nothing.
      throw new BundleError(`${where} adds more special tokens than the ${maxLength} that a text may have`);
    }
    return found.map((encoding) => encoding.getIds());
  }
  return { ids, padId: padding?.pad_id ?? 0 };
}

/**
 * @param {string} text
 * @param {string} where
 * @param {typeof import("tokenizers").Tokenizer} Tokenizer
 * @returns {{tokenizer: import("tokenizers").Tokenizer, model: {dropout?: number}, padding?: {pad_id: number}, truncation?: {direction: string}}}
 */
function read(text, where, Tokenizer) {
  let found;
  try {
    found = { tokenizer: Tokenizer.fromString(text), ...JSON.parse(text) };
  } catch (error) {
    throw new BundleError(`${where} is not a tokenizer that tokenizers can read (${reason(error)})`, { cause: error });
  }
  const dropout = found.model.dropout;
  if (dropout) {
    throw new BundleError(
      `${where} drops merges at random (dropout is ${dropout}): a text would have other ids each time`,
    );
  }
  return found;
}

/** @param {unknown} error @returns {never} */
function needsLibrary(error) {
  throw new SparseClientError(`texts need the package tokenizers (${reason(error)}): npm install tokenizers`);
}
