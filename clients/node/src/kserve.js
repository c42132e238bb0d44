/** The KServe v2 protocol over HTTP with its binary extension: tensors as JSON and bytes, in both directions. */

/** The header that tells how many bytes of a body are JSON. */
export const JSON_LENGTH = "inference-header-content-length";

/** @typedef {import("./outputs.js").Tensor} Tensor */

/**
 * Texts as the input of an ensemble, in JSON.
 * @param {string[]} texts
 */
export function textInput(texts) {
  return [{ name: "TEXT", datatype: "BYTES", shape: [texts.length, 1], data: texts }];
}

/**
 * Token ids as the inputs of an encoder, in JSON; padding is 0, no model looks at it.
 * @param {number[][]} rows
 */
export function tokenInputs(rows) {
  const width = rows.reduce((widest, row) => Math.max(widest, row.length), 1);
  const shape = [rows.length, width];
  const filled = (/** @type {(row: number[], at: number) => number} */ value) =>
    rows.flatMap((row) => Array.from({ length: width }, (_, at) => (at < row.length ? value(row, at) : 0)));
  return [
    { name: "input_ids", datatype: "INT64", shape, data: filled((row, at) => row[at]) },
    { name: "attention_mask", datatype: "INT64", shape, data: filled(() => 1) },
  ];
}

/**
 * A request whose outputs are to come back as bytes.
 * @param {object[]} inputs
 * @returns {string}
 */
export function request(inputs) {
  return JSON.stringify({ parameters: { binary_data_output: true }, inputs });
}

/**
 * The tensors of an answer.
 * @param {ArrayBuffer} body
 * @param {number | null} jsonLength Bytes of it that are JSON, null for all.
 * @returns {Record<string, Tensor>}
 * @throws {Error} If it is not of that form.
 */
export function response(body, jsonLength) {
  const end = jsonLength ?? body.byteLength;
  const { outputs } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body.slice(0, end)));
  let start = end;
  /** @type {Record<string, Tensor>} */
  const found = {};
  for (const { name, datatype, shape, data, parameters } of outputs) {
    const size = parameters?.binary_data_size;
    const numbers = size === undefined ? data : parse(datatype, body, start, size);
    start += size ?? 0;
    const dims = shape.length === 2 ? shape : [1, ...shape];
    if (numbers.length !== dims[0] * dims[1])
      throw new Error(`output ${name} has ${numbers.length} values, not ${dims}`);
    found[name] = { data: numbers, dims };
  }
  return found;
}

/** @param {string} datatype @param {ArrayBuffer} body @param {number} start @param {number} size @returns {any} */
function parse(datatype, body, start, size) {
  if (start + size > body.byteLength) throw new Error("the answer ends too early");
  const bytes = body.slice(start, start + size); // a copy, because tensors do not start at multiples of 4
  if (datatype === "INT32") return new Int32Array(bytes);
  if (datatype === "FP32") return new Float32Array(bytes);
  if (datatype === "BYTES") return strings(bytes);
  throw new Error(`outputs of ${datatype} are not known`);
}

/** Each text follows its length in bytes, uint32. @param {ArrayBuffer} bytes @returns {string[]} */
function strings(bytes) {
  const view = new DataView(bytes);
  const decoder = new TextDecoder();
  const found = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = view.getUint32(at, true);
    found.push(decoder.decode(bytes.slice(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return found;
}
