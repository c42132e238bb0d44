/** Models: pieces of a text to token ids, as the Rust library does. */

import { BytePairs } from "./bytepairs.js";
import { BYTES, givesBytes } from "./pretokenizers.js";
import { any, boolean, build, checkSettings, list, object, oneOf, text, Unfit } from "./settings.js";

const MOST_WORDS = 10_000; // remembered

/**
 * @typedef {object} Model
 * @property {Map<string, number>} vocabulary
 * @property {(piece: string) => number[]} ids
 */

/** @param {any} json The whole of tokenizer.json. @returns {Model} */
export function modelOf(json) {
  return build(json.model, "model", {
    WordPiece: (config, what) => {
      const whole = (/** @type {any} */ value) => Number.isInteger(value) && value >= 0;
      checkSettings(config, what, {
        vocab: object,
        unk_token: text,
        continuing_subword_prefix: text,
        max_input_chars_per_word: whole,
      });
      return wordPiece(config, what);
    },
    BPE: (config, what) => {
      // With a token for every byte nothing is unknown, so that what is done with the unknown does not matter.
      const unknown = { unk_token: any, fuse_unk: boolean, byte_fallback: boolean };
      const absent = oneOf(null, "");
      const parts = { continuing_subword_prefix: absent, end_of_word_suffix: absent, dropout: oneOf(null, 0) };
      checkSettings(config, what, { vocab: object, merges: list }, { ...unknown, ...parts, ignore_merges: boolean });
      if (!givesBytes(json.pre_tokenizer))
        throw new Unfit(`${what} without a ByteLevel pre_tokenizer behind all others`);
      const missing = BYTES.find((byte) => !Object.hasOwn(config.vocab, byte));
      if (missing) throw new Unfit(`${what} has no token for the byte '${missing}'`);
      return bytePairs(config, what);
    },
  });
}

/** @param {any} config @param {string} what @returns {Model} */
function wordPiece(
  { vocab, unk_token: unknown, continuing_subword_prefix: prefix, max_input_chars_per_word: most },
  what,
) {
  const vocabulary = vocabularyOf(vocab, what);
  const other = vocabulary.get(unknown);
  if (other === undefined) throw new Unfit(`${what} has the unk_token '${unknown}', which is not a token`);
  /** @param {string} piece */
  const ids = (piece) => {
    if (piece.length > most && [...piece].length > most) return [other];
    const found = [];
    for (let start = 0, end = 0; start < piece.length; start = end) {
      let id;
      for (end = piece.length; end > start; end -= 1) {
        const part = piece.slice(start, end); // half a character is not a token, so that it is not in the way
        id = vocabulary.get(start > 0 ? prefix + part : part);
        if (id !== undefined) break;
      }
      if (id === undefined) return [other];
      found.push(id);
    }
    return found;
  };
  return { vocabulary, ids };
}

/** @param {any} config @param {string} what @returns {Model} */
function bytePairs({ vocab, merges, ignore_merges: whole = false }, what) {
  const vocabulary = vocabularyOf(vocab, what);
  const pairs = new BytePairs(vocabulary, merges);
  /** @type {Map<string, number[]>} */
  const known = new Map();
  /** @param {string} piece */
  const ids = (piece) => {
    const before = known.get(piece);
    if (before) return before;
    const id = whole ? vocabulary.get(piece) : undefined;
    const found = id === undefined ? pairs.ids(piece) : [id];
    if (known.size >= MOST_WORDS) known.clear();
    if (piece.length < 256) known.set(piece, found);
    return found;
  };
  return { vocabulary, ids };
}

/** @param {Record<string, any>} vocab @param {string} what @returns {Map<string, number>} */
function vocabularyOf(vocab, what) {
  const vocabulary = new Map(Object.entries(vocab));
  const ids = new Set(vocabulary.values());
  if (ids.size !== vocabulary.size || ![...ids].every((id) => Number.isInteger(id) && id >= 0)) {
    throw new Unfit(`${what} has a vocab whose ids are not different whole numbers`);
  }
  return vocabulary;
}
