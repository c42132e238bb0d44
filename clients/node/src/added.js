/** Added tokens: texts that are tokens wherever they stand, such as [MASK], as the Rust library finds them. */

import { boolean, checkSettings, oneOf, text, Unfit } from "./settings.js";
import { SPACE } from "./unicode.js";

const ONE_SPACE = new RegExp(`[${SPACE}]`, "u");

/** @typedef {{id: number, content: string, lstrip: boolean, rstrip: boolean, normalized: boolean}} Added */
/** @typedef {{pattern: RegExp, tokens: Map<string, Added>} | null} Search */

/** Takes the added tokens of a tokenizer out of texts. */
export class AddedTokens {
  /**
   * @param {any[]} added As tokenizer.json has them.
   * @param {Map<string, number>} vocabulary The model's.
   * @param {(text: string) => string} normalize
   * @throws {Unfit} If one is not built here.
   */
  constructor(added, vocabulary, normalize) {
    added.forEach(checkAdded);
    checkIds(added, vocabulary);
    this._normalize = normalize;
    this._asWritten = search(
      added.filter((one) => !one.normalized),
      (content) => content,
    );
    this._normalized = search(
      added.filter((one) => one.normalized),
      normalize,
    );
  }

  /** @param {string} text @returns {(string | number)[]} Normalized texts, and the ids of the tokens between them. */
  split(text) {
    return taken(text, this._asWritten).flatMap((part) => {
      return typeof part === "number" ? [part] : taken(this._normalize(part), this._normalized);
    });
  }
}

/** @param {any} one */
function checkAdded(one) {
  const flags = { lstrip: boolean, rstrip: boolean, normalized: boolean, special: boolean, single_word: oneOf(false) };
  const filled = (/** @type {any} */ value) => text(value) && value !== "";
  checkSettings(one, `its added token ${JSON.stringify(one?.content)}`, {
    id: Number.isInteger,
    content: filled,
    ...flags,
  });
}

/** The library counts ids by itself and does not look at those of the file. @param {Added[]} added @param {Map<string, number>} vocabulary */
function checkIds(added, vocabulary) {
  let next = vocabulary.size;
  const seen = new Set();
  for (const { id, content } of added) {
    if (seen.has(content)) throw new Unfit(`its added token '${content}' is there twice`);
    seen.add(content);
    const expected = vocabulary.get(content) ?? next;
    if (id !== expected) throw new Unfit(`its added token '${content}' has id ${id}, where ${expected} comes next`);
    next = Math.max(next, id + 1);
  }
}

/** @param {Added[]} added @param {(content: string) => string} written @returns {Search} */
function search(added, written) {
  if (added.length === 0) return null;
  const tokens = new Map(added.map((one) => [written(one.content), one]));
  if (tokens.size < added.length || tokens.has(""))
    throw new Unfit("its added tokens are the same, or nothing, once normalized");
  const contents = [...tokens.keys()].sort((left, right) => right.length - left.length); // the longest is found first
  if (added.some((one) => one.rstrip) && contents.some((content) => ONE_SPACE.test(content[0]))) {
    throw new Unfit("its added tokens begin with a space beside others with rstrip");
  }
  const escaped = contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`));
  return { pattern: new RegExp(escaped.join("|"), "gu"), tokens };
}

/** @param {string} whole @param {Search} search @returns {(string | number)[]} Without empty texts. */
function taken(whole, search) {
  if (!search) return whole ? [whole] : [];
  const parts = [];
  let from = 0;
  for (const { 0: found, index } of whole.matchAll(search.pattern)) {
    const { id, lstrip, rstrip } = /** @type {Added} */ (search.tokens.get(found));
    let [start, stop] = [index, index + found.length];
    while (lstrip && start > from && ONE_SPACE.test(whole[start - 1])) start -= 1;
    while (rstrip && stop < whole.length && ONE_SPACE.test(whole[stop])) stop += 1;
    if (from < start) parts.push(whole.slice(from, start));
    parts.push(id);
    from = stop;
  }
  if (from < whole.length) parts.push(whole.slice(from));
  return parts;
}
