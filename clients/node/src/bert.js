/**
 * BERT's normalizer and pre-tokenizer, character for character those of the library that makes bundles.
 *
 * The JavaScript tokenizer's own ones take characters beyond U+FFFF apart, write a final sigma, and follow the engine's
 * Unicode version.
 */

import { CONTROL, HAN, MARK, PUNCTUATION, SPACE } from "./unicode.js";

const PLAIN = /^[\t\n\r\x20-\x7e]*$/;
const ALL = {
  control: new RegExp(`[${CONTROL}]`, "gu"),
  space: new RegExp(`[${SPACE}]`, "gu"),
  han: new RegExp(`[${HAN}]`, "gu"),
  mark: new RegExp(`[${MARK}]`, "gu"),
  piece: new RegExp(`[${PUNCTUATION}]|[^${PUNCTUATION}${SPACE}]+`, "gu"),
};

/**
 * @typedef {object} BertSettings As tokenizer.json has them.
 * @property {boolean} [clean_text]
 * @property {boolean} [handle_chinese_chars]
 * @property {boolean | null} [strip_accents] null: if `lowercase`.
 * @property {boolean} [lowercase]
 */

/**
 * @param {string} text
 * @param {BertSettings} settings
 * @returns {string}
 */
export function normalizeBert(text, settings) {
  const lowercased = settings.lowercase ?? true;
  if (PLAIN.test(text)) {
    const spaced = (settings.clean_text ?? true) ? text.replace(/[\t\n\r]/g, " ") : text;
    return lowercased ? spaced.toLowerCase() : spaced;
  }
  let changed = text;
  if (settings.clean_text ?? true) changed = changed.replace(ALL.control, "").replace(ALL.space, " ");
  if (settings.handle_chinese_chars ?? true) changed = changed.replace(ALL.han, " $& ");
  if (settings.strip_accents ?? lowercased) changed = changed.normalize("NFD").replace(ALL.mark, "");
  return lowercased ? lowercase(changed) : changed;
}

/**
 * Lowercase each character for itself: JavaScript looks at the neighbours of a capital sigma.
 * @param {string} text
 * @returns {string}
 */
export function lowercase(text) {
  return text.replaceAll("Σ", "σ").toLowerCase();
}

/**
 * Split at white space, which is dropped, and around punctuation.
 * @param {string} text
 * @returns {string[]}
 */
export function splitBert(text) {
  return text.match(ALL.piece) ?? [];
}
