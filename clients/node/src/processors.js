/** Post-processors: the special tokens around a text, as the Rust library puts them. */

import { any, boolean, build, checkSettings, list, object, Unfit } from "./settings.js";

/** @typedef {(ids: number[], special: boolean) => number[]} Processor */

/** @type {import("./settings.js").Check} */
const token = (value) => list(value) && value.length === 2 && Number.isInteger(value[1]);
const offsets = { trim_offsets: boolean, add_prefix_space: boolean };

/** @type {Record<string, (config: any, what: string) => Processor>} */
const BUILDERS = {
  TemplateProcessing: (config, what) => {
    checkSettings(config, what, { single: list, pair: any, special_tokens: object });
    return template(config, what);
  },
  BertProcessing: (config, what) => {
    checkSettings(config, what, { sep: token, cls: token });
    return between(config.cls[1], config.sep[1]);
  },
  RobertaProcessing: (config, what) => {
    checkSettings(config, what, { sep: token, cls: token, ...offsets });
    return between(config.cls[1], config.sep[1]);
  },
  ByteLevel: (config, what) => {
    checkSettings(config, what, offsets, { use_regex: boolean }); // it moves offsets alone
    return (ids) => ids;
  },
  Sequence: (config, what) => {
    checkSettings(config, what, { processors: list });
    const steps = config.processors.map((/** @type {any} */ one) => ({ type: one?.type, process: processor(one) }));
    // Several that add tokens: the library itself gives up on some.
    const adding = steps.filter((/** @type {any} */ { type }) => type !== "ByteLevel");
    if (adding.length > 1) throw new Unfit(`${what} of several that add tokens is not built here`);
    return adding[0]?.process ?? ((/** @type {number[]} */ ids) => ids);
  },
};

/** @param {any} config Of tokenizer.json; null for none. @returns {Processor} */
export function processor(config) {
  return config === null ? (ids) => ids : build(config, "post_processor", BUILDERS);
}

/** @param {number} first @param {number} last @returns {Processor} */
function between(first, last) {
  return (ids, special) => (special ? [first, ...ids, last] : ids);
}

/** @param {any} config @param {string} what @returns {Processor} */
function template({ single, special_tokens: tokens }, what) {
  /** The ids of a special token, or null for those of the text. @type {(number[] | null)[]} */
  const parts = single.map((/** @type {any} */ part) => {
    if (part?.Sequence?.id === "A") return null;
    const ids = Object.hasOwn(tokens, part?.SpecialToken?.id) ? tokens[part.SpecialToken.id].ids : null;
    if (list(ids) && ids.every(Number.isInteger)) return ids;
    throw new Unfit(`${what} has ${JSON.stringify(part)} in its template`);
  });
  return (ids, special) => parts.flatMap((part) => (part === null ? ids : special ? part : []));
}
