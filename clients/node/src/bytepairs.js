/** Byte pair encoding: of all pairs of neighbours the one of the earliest merge becomes one token, until none is left. */

import { Unfit } from "./settings.js";

const PLACES = 2 ** 26; // a priority is rank * PLACES + place, exact up to 2^53

/** The merges of a model. */
export class BytePairs {
  /**
   * @param {Map<string, number>} vocabulary
   * @param {(string | [string, string])[]} merges The earliest first, as pairs or with a space between.
   * @throws {Unfit} If one is none.
   */
  constructor(vocabulary, merges) {
    this._vocabulary = vocabulary;
    this._span = [...vocabulary.values()].reduce((most, id) => Math.max(most, id), 0) + 1;
    /** Rank and token of a pair. @type {Map<number, [rank: number, token: number]>} */
    this._merges = new Map();
    for (const [rank, merge] of merges.entries()) {
      const [left, right, ...more] = typeof merge === "string" ? merge.split(" ") : merge;
      const ids = [left, right, `${left}${right}`].map((token) => vocabulary.get(token));
      if (more.length || ids.includes(undefined))
        throw new Unfit(`its model BPE has the merge ${JSON.stringify(merge)}`);
      const [one, other, token] = /** @type {number[]} */ (ids);
      this._merges.set(one * this._span + other, [rank, token]);
    }
  }

  /** @param {string} piece Of characters that all are tokens. @returns {number[]} */
  ids(piece) {
    const tokens = Array.from(piece, (character) => /** @type {number} */ (this._vocabulary.get(character)));
    // Neighbours by place; a place whose token went into the one before it has -1 for its token.
    const next = tokens.map((_, place) => place + 1);
    const previous = tokens.map((_, place) => place - 1);
    const queue = new Queue();
    const offer = (/** @type {number} */ place) => {
      const merge =
        place < 0 || next[place] >= tokens.length ? undefined : this._merge(tokens[place], tokens[next[place]]);
      if (merge) queue.push(merge[0] * PLACES + place);
    };
    for (let place = 0; place + 1 < tokens.length; place += 1) offer(place);
    for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
      const place = first % PLACES;
      const after = next[place];
      const merge = tokens[place] < 0 || after >= tokens.length ? undefined : this._merge(tokens[place], tokens[after]);
      if (!merge || merge[0] * PLACES + place !== first) continue; // a neighbour has changed since
      tokens[place] = merge[1];
      tokens[after] = -1;
      next[place] = next[after];
      if (next[place] < tokens.length) previous[next[place]] = place;
      offer(previous[place]);
      offer(place);
    }
    return tokens.filter((token) => token >= 0);
  }

  /** @param {number} left @param {number} right */
  _merge(left, right) {
    return this._merges.get(left * this._span + right);
  }
}

/** Numbers, the smallest first: a binary heap. */
class Queue {
  constructor() {
    /** @type {number[]} */
    this._heap = [];
  }

  /** @param {number} number */
  push(number) {
    const heap = this._heap;
    let at = heap.length;
    for (let above = (at - 1) >> 1; at > 0 && heap[above] > number; above = (at - 1) >> 1) {
      heap[at] = heap[above];
      at = above;
    }
    heap[at] = number;
  }

  /** @returns {number | undefined} */
  pop() {
    const heap = this._heap;
    const [first, last] = [heap[0], heap.pop()];
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (heap[below + 1] < heap[below]) below += 1;
      if (heap[below] >= last) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
