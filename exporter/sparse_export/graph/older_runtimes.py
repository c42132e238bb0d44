"""Operators as the tracer writes them that the oldest ONNX Runtime does not have.

Of all operators of opset 20, 1.19 lacks three for int64 that later versions have: these two, and the mean, which torch
does not take of whole numbers.
"""

from __future__ import annotations

import onnx_ir as ir

from sparse_export.graph.tape import GraphTape

LACK_INT64 = frozenset({"ArgMax", "ArgMin"})


def narrow(model: ir.Model) -> int:
    """Let them read int32 in place; masks and token ids fit into it. Return how many there were."""
    return sum(_try_int32(model.graph, node) for node in list(model.graph))


def _try_int32(graph: ir.Graph, node: ir.Node) -> bool:
    source = node.inputs[0] if node.op_type in LACK_INT64 else None
    if source is None or source.dtype != ir.DataType.INT64:
        return False
    node.replace_input_with(0, GraphTape(graph, before=node).op("Cast", source, to=ir.DataType.INT32))
    return True
