"""Attention without a mask for batches without padding: ONNX Runtime's flash attention, which holds no `[heads, S, S]`.

The node takes that way only where it has no mask at all, and a mask of ones is one. So each node stands in both
branches of an `If` on "no padding", which costs nothing to load. It pays from about 2,048 tokens on.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir

from sparse_export.graph.tape import GraphTape

TOKENS = 1024  # a graph whose texts have no more keeps one node
MASK = 4  # the input of MultiHeadAttention; after query, key, value and bias


def split(model: ir.Model) -> int:
    """Split the attention nodes in place; return how many there were.

    A node whose mask has a row for each query (a sliding window, a causal model) needs it without padding, too.
    """
    nodes = [node for node in model.graph if node.op_type == "MultiHeadAttention" and _masks_keys_alone(node)]
    if nodes:
        unpadded = _unpadded(model.graph)
        for node in nodes:
            _branch(model.graph, node, unpadded)
    return len(nodes)


def _masks_keys_alone(node: ir.Node) -> bool:
    mask = node.inputs[MASK]
    return mask is not None and mask.shape is not None and len(mask.shape) == 2


def _unpadded(graph: ir.Graph) -> ir.Value:
    """Return bool `[]`: every token of the batch is seen."""
    (mask,) = (value for value in graph.inputs if value.name == "attention_mask")
    tape = GraphTape(graph, before=next(iter(graph)))
    # An empty text is padded later to one position that is not seen; nothing attends to it, so either way will do.
    least = tape.op("ReduceMin", tape.op("Cast", mask, to=ir.DataType.INT32), keepdims=0)
    return tape.op("Cast", least, to=ir.DataType.BOOL)


def _branch(graph: ir.Graph, node: ir.Node, unpadded: ir.Value) -> None:
    branches: dict[str, Any] = {}
    for name, inputs in (("then_branch", node.inputs[:MASK]), ("else_branch", node.inputs)):
        twin = ir.node(node.op_type, inputs, node.attributes, domain=node.domain, num_outputs=1)
        twin.outputs[0].type, twin.outputs[0].shape = node.outputs[0].type, node.outputs[0].shape
        branches[name] = ir.Graph([], twin.outputs, nodes=[twin], name=name)
    output = GraphTape(graph, before=node).op("If", unpadded, **branches)
    output.type, output.shape = node.outputs[0].type, node.outputs[0].shape
    ir.convenience.replace_all_uses_with(node.outputs[0], output)
    graph.remove(node, safe=True)
