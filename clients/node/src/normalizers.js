/**
 * Normalizers, character for character those of the library that makes bundles.
 *
 * JavaScript alone would write a final sigma, and follow the engine's Unicode version.
 */

import { boolean, build, checkSettings, list, oneOf } from "./settings.js";
import { COMPOSING, CONTROL, HAN, MARK, SPACE } from "./unicode.js";

/** @typedef {(text: string) => string} Normalizer */

const ASCII = /^[\0-\x7f]*$/;
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;
const ALL = {
  control: new RegExp(`[${CONTROL}]`, "gu"),
  space: new RegExp(`[${SPACE}]`, "gu"),
  han: new RegExp(`[${HAN}]`, "gu"),
  mark: new RegExp(`[${MARK}]`, "gu"),
  composing: new RegExp(`[${COMPOSING}]+`, "gu"),
};

/** @type {Record<string, (config: any, what: string) => Normalizer>} */
const BUILDERS = {
  BertNormalizer: (config, what) => {
    const flags = { clean_text: boolean, handle_chinese_chars: boolean, lowercase: boolean };
    checkSettings(config, what, flags, { strip_accents: oneOf(true, false, null) });
    return (text) => normalizeBert(text, config);
  },
  Lowercase: (config, what) => {
    checkSettings(config, what, {});
    return lowercase;
  },
  NFC: (config, what) => {
    checkSettings(config, what, {});
    return (text) => compose(text, "NFC");
  },
  NFD: (config, what) => {
    checkSettings(config, what, {});
    return (text) => compose(text, "NFD");
  },
  Sequence: (config, what) => {
    checkSettings(config, what, { normalizers: list });
    const steps = config.normalizers.map(normalizer);
    return (text) =>
      steps.reduce((/** @type {string} */ changed, /** @type {Normalizer} */ step) => step(changed), text);
  },
};

/** @param {any} config Of tokenizer.json; null for none. @returns {Normalizer} */
export function normalizer(config) {
  return config === null ? (text) => text : build(config, "normalizer", BUILDERS);
}

/**
 * @typedef {object} BertSettings As tokenizer.json has them.
 * @property {boolean} clean_text
 * @property {boolean} handle_chinese_chars
 * @property {boolean | null} [strip_accents] null: if `lowercase`.
 * @property {boolean} lowercase
 */

/**
 * @param {string} text
 * @param {BertSettings} settings
 * @returns {string}
 */
function normalizeBert(text, settings) {
  if (PLAIN.test(text)) {
    const spaced = settings.clean_text ? text.replace(/[\t\n\r]/g, " ") : text;
    return settings.lowercase ? spaced.toLowerCase() : spaced;
  }
  let changed = text;
  if (settings.clean_text) changed = changed.replace(ALL.control, "").replace(ALL.space, " ");
  if (settings.handle_chinese_chars) changed = changed.replace(ALL.han, " $& ");
  if (settings.strip_accents ?? settings.lowercase) changed = compose(changed, "NFD").replace(ALL.mark, "");
  return settings.lowercase ? lowercase(changed) : changed;
}

/** Lowercase each character for itself: JavaScript looks at the neighbours of a capital sigma. @type {Normalizer} */
function lowercase(text) {
  return text.replaceAll("Σ", "σ").toLowerCase();
}

/** An engine knows more compositions than the library, whose Unicode is older. @param {string} text @param {"NFC" | "NFD"} form */
function compose(text, form) {
  return ASCII.test(text) ? text : text.replace(ALL.composing, (run) => run.normalize(form));
}
