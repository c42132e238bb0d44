/** What may be encoded: texts without lone surrogates, or token ids. */

import { InputError } from "./errors.js";
import { kindOf } from "./vectors.js";

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * @param {unknown} texts
 * @returns {string[]}
 * @throws {InputError} If it is not a list of texts, or one has a lone surrogate.
 */
export function checkedTexts(texts) {
  if (!Array.isArray(texts)) throw new InputError(`got one ${kindOf(texts)}, expected a list of texts: pass [text]`);
  texts.forEach((text, position) => checkText(text, `text ${position}`));
  return texts;
}

/**
 * @param {unknown} rows
 * @param {number | null} most How many ids a row may have, null for no limit.
 * @returns {number[][]}
 * @throws {InputError} If it is not a list of rows of token ids, or a row is longer.
 */
export function checkedTokenIds(rows, most) {
  if (!Array.isArray(rows)) throw new InputError(`got one ${kindOf(rows)}, expected a list of lists of token ids`);
  rows.forEach((row, position) => {
    if (!Array.isArray(row) || !row.every((id) => Number.isSafeInteger(id) && id >= 0)) {
      throw new InputError(`row ${position} is not a list of token ids: whole numbers from 0`);
    }
    if (most !== null && row.length > most) {
      throw new InputError(`row ${position} has ${row.length} token ids, at most ${most} are allowed: cut it`);
    }
  });
  return rows;
}

/**
 * @param {unknown} text
 * @param {string} where What to call it in the error.
 * @throws {InputError} If it is not a text, or has half of a surrogate pair, which no tokenizer takes.
 */
export function checkText(text, where) {
  if (typeof text !== "string")
    throw new InputError(`${where} is ${kindOf(text)}, expected a text: convert or drop it`);
  const lone = LONE.exec(text);
  if (lone) {
    const code = lone[0].charCodeAt(0).toString(16).toUpperCase();
    throw new InputError(
      `${where} has a lone surrogate (U+${code}) at character ${lone.index}, which is not a character: ` +
        "remove it or decode the text anew",
    );
  }
}

/**
 * @param {string} name
 * @param {unknown} number
 * @param {number | null} otherwise What an absent number stands for.
 * @returns {any} The number; `any` because null is only returned where `otherwise` is null.
 * @throws {InputError} If it is not a whole number from 1.
 */
export function count(name, number, otherwise) {
  if (number === undefined || number === null) return otherwise;
  if (!Number.isInteger(number) || /** @type {number} */ (number) < 1) {
    throw new InputError(`${name} is ${number}, expected a whole number, 1 or more`);
  }
  return number;
}
