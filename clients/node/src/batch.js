/** Token ids as padded batches. */

// Tokens of one run, padding included: what a layer computes then stays in the processor's caches.
const RUN_TOKENS = 1024;

/**
 * Run rows of like length together, the longest first: memory is at its largest at once, not late.
 * @template Row
 * @param {number[][]} rows The token ids of each text.
 * @param {number} most Rows of a run.
 * @param {number} padId
 * @param {(inputs: Record<string, any>) => Promise<Row[]>} run
 * @returns {Promise<Row[]>} In the order of `rows`.
 */
export async function inBatches(rows, most, padId, run) {
  const order = Array.from(rows.keys()).sort((left, right) => rows[right].length - rows[left].length || left - right);
  /** @type {Row[]} */
  const results = new Array(rows.length);
  for (let start = 0, size = 0; start < order.length; start += size) {
    const longest = Math.max(1, rows[order[start]].length);
    size = Math.min(most, Math.max(1, Math.floor(RUN_TOKENS / longest)));
    const positions = order.slice(start, start + size);
    const batch = positions.map((position) => rows[position]);
    const { ids, mask, dims } = pad(batch, padId);
    const found = await run({
      input_ids: { type: "int64", data: ids, dims },
      attention_mask: { type: "int64", data: mask, dims },
    });
    positions.forEach((position, at) => (results[position] = found[at]));
  }
  return results;
}

/**
 * `input_ids` and `attention_mask`, int64 `[rows, width]`, width being at least 1. Padding stands on the right whatever
 * the tokenizer says: on the left it would move the positions of a text.
 * @param {number[][]} rows
 * @param {number} padId
 * @returns {{ids: BigInt64Array, mask: BigInt64Array, dims: [number, number]}}
 */
export function pad(rows, padId) {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 1);
  const ids = new BigInt64Array(rows.length * width).fill(BigInt(padId));
  const mask = new BigInt64Array(rows.length * width);
  rows.forEach((row, position) => {
    const start = position * width;
    row.forEach((id, offset) => {
      ids[start + offset] = BigInt(id);
      mask[start + offset] = 1n;
    });
  });
  return { ids, mask, dims: [rows.length, width] };
}
