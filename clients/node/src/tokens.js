/** Text to token ids, as one route of a bundle wants it, and ids to a padded batch. */

import * as tokenizers from "@huggingface/tokenizers";
import { lowercase, normalizeBert, splitBert } from "./bert.js";
import { BundleError, reason } from "./errors.js";

/** Its types leave the steps out. @type {any} */
const library = tokenizers;

/**
 * What @huggingface/tokenizers does not do as the Rust library: it approximates the one, and breaks ties of the other
 * differently. A bundle that needs them is refused, not garbled.
 */
const UNFIT = ["Precompiled", "Unigram"];

/** The tokenizer of one file of a bundle, for all routes that use it. */
export class BundleTokenizer {
  /**
   * @param {string} text The content of tokenizer.json.
   * @param {string} where Its name in errors.
   * @throws {BundleError} If it is no tokenizer.
   */
  constructor(text, where) {
    try {
      const json = JSON.parse(text);
      if (UNFIT.includes(json.model?.type)) throw new Error(`its model ${json.model.type} is not supported`);
      this._tokenizer = corrected(new library.Tokenizer(json, {}), json);
      this._padding = json.padding ?? {};
      this._cutLeft = json.truncation?.direction === "Left";
    } catch (error) {
      throw new BundleError(`${where} is not a tokenizer that this package can read (${reason(error)})`, {
        cause: error,
      });
    }
  }

  /**
   * The token ids of a text with the route's prompt in front.
   * @param {string} text
   * @param {import("./manifest.js").Route} route
   * @returns {number[]}
   */
  ids(text, route) {
    const tokens = this._tokenizer.tokenize(route.prompt + text);
    const kept = this._cut(tokens, route);
    const all = this._closed(kept, route.addSpecialTokens);
    const { added_tokens_map: added, model } = this._tokenizer;
    return all.map((token) => added.get(token)?.id ?? model.tokens_to_ids.get(token) ?? model.unk_token_id ?? 0);
  }

  /**
   * `input_ids` and `attention_mask`, int64 `[rows, width]`, width being at least 1.
   * @param {number[][]} rows
   * @returns {{ids: BigInt64Array, mask: BigInt64Array, dims: [number, number]}}
   */
  pad(rows) {
    const width = Math.max(1, ...rows.map((row) => row.length));
    const ids = new BigInt64Array(rows.length * width).fill(BigInt(this._padding.pad_id ?? 0));
    const mask = new BigInt64Array(rows.length * width);
    rows.forEach((row, position) => {
      const start = position * width + (this._padding.direction === "Left" ? width - row.length : 0);
      row.forEach((id, offset) => {
        ids[start + offset] = BigInt(id);
        mask[start + offset] = 1n;
      });
    });
    return { ids, mask, dims: [rows.length, width] };
  }

  /** @param {string[]} tokens @param {import("./manifest.js").Route} route @returns {string[]} */
  _cut(tokens, route) {
    if (route.maxLength === null) return tokens;
    const room = Math.max(0, route.maxLength - this._closed([], route.addSpecialTokens).length);
    if (tokens.length <= room) return tokens;
    return this._cutLeft ? tokens.slice(tokens.length - room) : tokens.slice(0, room);
  }

  /** @param {string[]} tokens @param {boolean} special @returns {string[]} */
  _closed(tokens, special) {
    return this._tokenizer.post_processor?.(tokens, null, special).tokens ?? tokens;
  }
}

/**
 * Replace the steps that the library does differently from the one that made the bundle.
 * @param {any} tokenizer
 * @param {any} json
 * @returns {any}
 */
function corrected(tokenizer, json) {
  for (const step of steps(tokenizer.normalizer, "normalizers")) {
    if (UNFIT.includes(step.config?.type)) throw new Error(`its normalizer ${step.config.type} is not supported`);
    if (step instanceof library.BertNormalizer) step.normalize = bert(step.config);
    if (step instanceof library.LowercaseNormalizer) step.normalize = lowercase;
  }
  for (const step of steps(tokenizer.pre_tokenizer, "tokenizers")) {
    if (step instanceof library.BertPreTokenizer) step.pre_tokenize_text = splitBert;
  }
  return tokenizer;
}

/** @param {import("./bert.js").BertSettings} settings @returns {(text: string) => string} */
function bert(settings) {
  return (text) => normalizeBert(text, settings);
}

/** A step, and those that it is made of. @param {any} step @param {string} key @returns {any[]} */
function steps(step, key) {
  if (!step) return [];
  return [step, ...(step[key] ?? []).flatMap((/** @type {any} */ inner) => steps(inner, key))];
}
