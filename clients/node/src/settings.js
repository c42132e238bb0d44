/** What of a tokenizer.json is built here: components and settings that tests compare with Python, and no others. */

/** Says what a tokenizer has that is not built here. */
export class Unfit extends Error {}

/** @typedef {(value: any) => boolean} Check Whether a value is one that is built here. */

/** @type {Check} */
export const any = () => true;
/** @type {Check} */
export const boolean = (value) => typeof value === "boolean";
/** @type {Check} */
export const text = (value) => typeof value === "string";
/** @type {Check} */
export const list = Array.isArray;
/** @type {Check} */
export const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {any[]} values @returns {Check} */
export const oneOf =
  (...values) =>
  (value) =>
    values.includes(value);

/**
 * Refuse a component that has settings which are not built here, or lacks one that must be there.
 * @param {any} config
 * @param {string} what Its name in the error.
 * @param {Record<string, Check>} needed
 * @param {Record<string, Check>} [optional]
 * @throws {Unfit}
 */
export function checkSettings(config, what, needed, optional = {}) {
  if (!object(config)) throw new Unfit(`${what} is not an object`);
  for (const key of Object.keys(needed)) {
    if (!Object.hasOwn(config, key)) throw new Unfit(`${what} has no '${key}'`);
  }
  const known = { type: text, ...needed, ...optional };
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(known, key)) throw new Unfit(`${what} has the setting '${key}'`);
    if (!known[/** @type {keyof typeof known} */ (key)](value)) throw new Unfit(`${what} has ${key} = ${shown(value)}`);
  }
}

/**
 * Build a component by its type.
 * @template T
 * @param {any} config
 * @param {string} what `normalizer`, `pre_tokenizer` and so on.
 * @param {Record<string, (config: any, what: string) => T>} builders By type.
 * @returns {T}
 * @throws {Unfit} If it has no such type, or a setting that is not built here.
 */
export function build(config, what, builders) {
  const type = config?.type;
  const name = `its ${what} ${text(type) ? type : shown(type)}`;
  if (!text(type) || !Object.hasOwn(builders, type)) throw new Unfit(`${name} is not built here`);
  return builders[type](config, name);
}

/** @param {unknown} value @returns {string} */
function shown(value) {
  const written = String(JSON.stringify(value));
  return written.length > 60 ? `${written.slice(0, 60)}…` : written;
}
