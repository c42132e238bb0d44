/**
 * Text to token ids in the browser.
 *
 * Every tokenizer gives the ids that Python's library gives, or is refused when it is built: what its parts do and which
 * settings they know is in normalizers.js, pretokenizers.js, models.js, added.js and processors.js. Unigram is the
 * library's own, see unigram.js.
 */

import { AddedTokens } from "./added.js";
import { BundleError, reason } from "./errors.js";
import { modelOf } from "./models.js";
import { normalizer } from "./normalizers.js";
import { preTokenizer } from "./pretokenizers.js";
import { processor } from "./processors.js";
import { any, checkSettings, list, object, oneOf, Unfit } from "./settings.js";
import { unigram } from "./unigram.js";

const PARTS = { model: object, normalizer: any, pre_tokenizer: any, post_processor: any, added_tokens: list };
const BESIDES = { version: any, truncation: any, padding: any, decoder: any }; // a decoder makes no ids
const SIDE = oneOf("Left", "Right");
const TRUNCATION = { direction: SIDE, strategy: oneOf("LongestFirst", "OnlyFirst"), max_length: any, stride: any };
const PADDING = { pad_id: Number.isInteger, direction: SIDE };
const PADDED_ELSEWHERE = { strategy: any, pad_to_multiple_of: any, pad_type_id: any, pad_token: any }; // batches are padded here

/** The tokenizer of one file of a bundle, for all routes that use it. */
export class BundleTokenizer {
  /**
   * @param {string} text The content of tokenizer.json.
   * @param {string} where Its name in errors.
   * @param {number | null} maxLength Tokens of a text, special tokens included; null for no limit.
   * @param {import("./unigram.js").Encode | null} [encode] What cuts a text, where the library does.
   * @throws {BundleError} If it is not a tokenizer, or one that does not give the ids that Python gives.
   */
  constructor(text, where, maxLength, encode = null) {
    try {
      this._parts = parts(JSON.parse(text), encode);
    } catch (error) {
      const what = reason(error);
      throw new BundleError(
        error instanceof Unfit
          ? `${where} would not give the token ids that Python gives: ${what}; encode in Python or on a server`
          : `${where} is not a tokenizer that this package can read (${what})`,
        { cause: error },
      );
    }
    this._where = where;
    this._maxLength = maxLength;
    this.padId = this._parts.padding.pad_id ?? 0;
  }

  /**
   * As the constructor; a Unigram tokenizer first fetches the library.
   * @param {string} text
   * @param {string} where
   * @param {number | null} maxLength
   */
  static async load(text, where, maxLength) {
    return new BundleTokenizer(text, where, maxLength, await unigram(text, where));
  }

  /**
   * The token ids of each text with the route's prompt in front.
   * @param {string[]} texts
   * @param {import("./manifest.js").Route} route
   * @returns {Promise<number[][]>}
   */
  async ids(texts, route) {
    return texts.map((text) => this._ids(text, route));
  }

  /** @param {string} text @param {import("./manifest.js").Route} route @returns {number[]} */
  _ids(text, route) {
    const { encode, process } = this._parts;
    const found = encode(route.prompt + text);
    return process(this._shortened(found, route.addSpecialTokens), route.addSpecialTokens);
  }

  /** @param {number[]} ids @param {boolean} addSpecialTokens @returns {number[]} */
  _shortened(ids, addSpecialTokens) {
    const maxLength = this._maxLength;
    if (maxLength === null) return ids;
    const { process, truncation } = this._parts;
    const room = maxLength - process([], addSpecialTokens).length;
    if (room < 0)
      throw new BundleError(`${this._where} adds more special tokens than the ${maxLength} that a text may have`);
    if (ids.length <= room) return ids;
    return truncation.direction === "Left" ? ids.slice(ids.length - room) : ids.slice(0, room);
  }
}

/** What a tokenizer.json is made of, built. @param {any} json @param {import("./unigram.js").Encode | null} encode */
function parts(json, encode) {
  checkSettings(json, "its file", PARTS, BESIDES);
  if (json.truncation) checkSettings(json.truncation, "its truncation", {}, TRUNCATION);
  if (json.padding) checkSettings(json.padding, "its padding", PADDING, PADDED_ELSEWHERE);
  return {
    encode: encode ?? written(json),
    process: processor(json.post_processor),
    padding: json.padding ?? {},
    truncation: json.truncation ?? {},
  };
}

/** @param {any} json @returns {import("./unigram.js").Encode} */
function written(json) {
  const model = modelOf(json);
  const cut = preTokenizer(json.pre_tokenizer);
  const added = new AddedTokens(json.added_tokens, model.vocabulary, normalizer(json.normalizer));
  return (text) => {
    const found = [];
    for (const part of added.split(text)) {
      if (typeof part === "number") found.push(part);
      else for (const piece of cut([part])) for (const id of model.ids(piece)) found.push(id);
    }
    return found;
  };
}
