/** Pre-tokenizers: what cuts a normalized text into the pieces that a model looks at, as the Rust library does. */

import { boolean, build, checkSettings, list, object, oneOf, Unfit } from "./settings.js";
import { LETTER, NUMBER, PUNCTUATION, SPACE } from "./unicode.js";

/** @typedef {(pieces: string[]) => string[]} PreTokenizer */

const OTHER = `[^${SPACE}${LETTER}${NUMBER}]`;
const BERT = new RegExp(`[${PUNCTUATION}]|[^${PUNCTUATION}${SPACE}]+`, "gu");
const BYTE_LEVEL = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?[${LETTER}]+| ?[${NUMBER}]+| ?${OTHER}+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
  "gu",
);
/** By their text in tokenizer.json: JavaScript's \s, \p and (?i) are not those of the library. @type {Map<any, RegExp>} */
const PATTERNS = new Map([
  [
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    new RegExp(
      `'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\\r\\n${LETTER}${NUMBER}]?[${LETTER}]+|[${NUMBER}]{1,3}|` +
        ` ?${OTHER}+[\\r\\n]*|[${SPACE}]*[\\r\\n]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
      "gu",
    ),
  ],
]);

/** @type {Record<string, (config: any, what: string) => PreTokenizer>} */
const BUILDERS = {
  BertPreTokenizer: (config, what) => {
    checkSettings(config, what, {});
    return (pieces) => pieces.flatMap((piece) => piece.match(BERT) ?? []);
  },
  ByteLevel: (config, what) => {
    checkSettings(config, what, { add_prefix_space: boolean }, { trim_offsets: boolean, use_regex: boolean });
    return byteLevel(config.add_prefix_space, config.use_regex ?? true);
  },
  Split: (config, what) => {
    checkSettings(config, what, { pattern: object, behavior: oneOf("Isolated"), invert: oneOf(false) });
    const pattern = PATTERNS.get(config.pattern.Regex);
    if (!pattern) throw new Unfit(`${what} has pattern = ${JSON.stringify(config.pattern)}`);
    return (pieces) => pieces.flatMap((piece) => piece.match(pattern) ?? []);
  },
  Sequence: (config, what) => {
    checkSettings(config, what, { pretokenizers: list });
    const steps = config.pretokenizers.map(preTokenizer);
    return (pieces) =>
      steps.reduce((/** @type {string[]} */ cut, /** @type {PreTokenizer} */ step) => step(cut), pieces);
  },
};

/** @param {any} config Of tokenizer.json; null for none. @returns {PreTokenizer} */
export function preTokenizer(config) {
  return config === null ? (pieces) => pieces : build(config, "pre_tokenizer", BUILDERS);
}

/** Whether a pre-tokenizer leaves nothing but characters that stand for bytes. @param {any} config @returns {boolean} */
export function givesBytes(config) {
  return config?.type === "ByteLevel" || (config?.type === "Sequence" && givesBytes(config.pretokenizers.at(-1)));
}

/** The characters that stand for the bytes 0 to 255: those that can be printed for themselves, others from U+0100 on. */
export const BYTES = (() => {
  let next = 0x100;
  const printed = (/** @type {number} */ byte) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printed(byte) ? byte : next++));
})();

/** @param {boolean} prefix @param {boolean} cut @returns {PreTokenizer} */
function byteLevel(prefix, cut) {
  const encoder = new TextEncoder();
  const written = (/** @type {string} */ piece) => Array.from(encoder.encode(piece), (byte) => BYTES[byte]).join("");
  return (pieces) =>
    pieces.flatMap((piece) => {
      const spaced = prefix && !piece.startsWith(" ") ? ` ${piece}` : piece;
      return (cut ? (spaced.match(BYTE_LEVEL) ?? []) : [spaced]).map(written);
    });
}
