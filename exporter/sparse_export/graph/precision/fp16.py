"""fp16: weights and activations in half precision, reductions and outputs in single.

Half precision starts at the embedding tables and flows from there: a node runs in fp16 when one of its inputs is fp16
and it is not a reduction. What is computed from shapes, positions and masks alone (rotary angles, relative position
buckets) never becomes fp16.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from sparse_export.graph.tape import MASKED, GraphTape, constant_of

# Reductions, and what leads to their roots in RMSNorm: they run in single precision.
SINGLE = frozenset({"Pow", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Softmax", "Sqrt", "Reciprocal"})


def convert(model: ir.Model) -> int:
    """Convert a float32 graph in place; its output becomes float16.

    Returns:
        The number of nodes that run in half precision.
    """
    graph = model.graph
    half: set[ir.Value] = set()
    count = 0
    for node in list(graph):
        if not _runs_in_half(node, half):
            _feed(graph, node, [value for value in node.inputs if value in half], ir.DataType.FLOAT)
            continue
        single = [value for value in node.inputs if value is not None and value not in half and _is_float(value)]
        _feed(graph, node, single, ir.DataType.FLOAT16)
        for output in node.outputs:
            if _is_float(output):
                output.type = ir.TensorType(ir.DataType.FLOAT16)  # a new type: clones of a graph share the old one
                half.add(output)
        count += 1
    return count


def _runs_in_half(node: ir.Node, half: set[ir.Value]) -> bool:
    if node.op_type == "Gather":
        table = constant_of(node.inputs[0])
        return table is not None and table.dtype == np.float32 and table.ndim == 2
    if node.op_type == "Cast" and not _is_float(node.outputs[0]):
        return False
    return node.op_type not in SINGLE and any(value in half for value in node.inputs)


def _is_float(value: ir.Value) -> bool:
    return value.dtype == ir.DataType.FLOAT


def _feed(graph: ir.Graph, node: ir.Node, values: Sequence[ir.Value | None], dtype: ir.DataType) -> None:
    """Give `node` these inputs in another precision: constants anew, computed values through a Cast."""
    tape = GraphTape(graph, before=node)
    for index, value in enumerate(node.inputs):
        if value is None or not any(value is other for other in values):
            continue
        array = constant_of(value)
        if array is None:
            node.replace_input_with(index, tape.op("Cast", value, to=dtype))
        else:
            limited = np.where(np.abs(array) > np.finfo(np.float16).max, np.sign(array) * -MASKED, array)
            node.replace_input_with(index, tape.constant(limited.astype(np.float16), f"{value.name}.fp16"))
