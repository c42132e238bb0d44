/** Token ids as a padded batch. */

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
