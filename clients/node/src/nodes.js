/** What the bytes of a graph say of its nodes, without ONNX Runtime: just enough of protobuf. */

// Fields of ONNX's messages: ModelProto.graph, GraphProto.node, NodeProto.name and NodeProto.op_type;
const [GRAPH, NODE, NAME, OPERATOR] = [7, 1, 3, 4];
// ModelProto.metadata_props, StringStringEntryProto.key and .value.
const [FACTS, KEY, VALUE] = [14, 1, 2];

/**
 * @param {Uint8Array} model An .onnx file.
 * @returns {Map<string, string>} What was written into it of how it was made.
 */
export function factsOf(model) {
  return new Map(parts(model, FACTS).map((fact) => [textIn(fact, KEY), textIn(fact, VALUE)]));
}

/**
 * @param {Uint8Array} model An .onnx file.
 * @param {string} operator
 * @returns {string[]} The names of the graph's nodes of this operator.
 */
export function nodesOf(model, operator) {
  return parts(model, GRAPH)
    .flatMap((graph) => parts(graph, NODE))
    .filter((node) => textIn(node, OPERATOR) === operator)
    .map((node) => textIn(node, NAME));
}

/** @param {Uint8Array} message @param {number} field @returns {string} */
function textIn(message, field) {
  return new TextDecoder().decode(parts(message, field)[0]);
}

/** @param {Uint8Array} message @param {number} wanted @returns {Uint8Array[]} The field's texts or messages. */
function parts(message, wanted) {
  const found = [];
  for (let at = 0; at < message.length; ) {
    const [tag, start] = varint(message, at);
    const [field, type] = [tag >>> 3, tag & 7];
    if (type !== 2) {
      at = type === 0 ? varint(message, start)[1] : start + (type === 1 ? 8 : 4);
      continue;
    }
    const [length, first] = varint(message, start);
    at = first + length;
    if (field === wanted) found.push(message.subarray(first, at));
  }
  return found;
}

/** @param {Uint8Array} bytes @param {number} at @returns {[value: number, next: number]} */
function varint(bytes, at) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}
