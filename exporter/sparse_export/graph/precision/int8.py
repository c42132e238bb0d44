"""int8: every product with a constant weight, and every embedding table, in 8 bits.

    MatMul(x, W)        ->  per-token uint8 x, MatMulInteger with int8 W, scales of token and column
    Gather(table, ids)  ->  Gather of int8 rows, Gather of their scales, one product

The vocabulary projection is not here: `graph.vocabulary_head` writes it in int8 from the start.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from sparse_export.graph.quantized import QuantizedStates, column_scales, quantize_columns
from sparse_export.graph.tape import GraphTape, constant_of
from sparse_export.options import Cpu

SMALLEST_TABLE = 1024  # values; a table of token types is not worth a scale per row


def quantize(model: ir.Model, cpu: Cpu = Cpu.ANY, keep: frozenset[str] = frozenset()) -> int:
    """Quantize all MatMuls with a constant weight and all embedding tables, in place.

    Args:
        model: A float32 graph.
        cpu: The processors that the products are for.
        keep: Names of MatMul nodes that stay in float.

    Returns:
        The number of nodes that were quantized.
    """
    states: dict[ir.Value, QuantizedStates] = {}
    count = 0
    for node in list(model.graph):
        if node.name not in keep:
            count += _try_matmul(node, states, cpu) or _try_embedding(node, cpu)
    return count


def is_linear(node: ir.Node) -> bool:
    """Tell whether `node` is a MatMul whose second factor is a constant `[rows, columns]`."""
    weight = constant_of(node.inputs[1]) if node.op_type == "MatMul" else None
    return weight is not None and weight.ndim == 2


def _try_matmul(node: ir.Node, states: dict[ir.Value, QuantizedStates], cpu: Cpu) -> bool:
    if not is_linear(node):
        return False
    source, weight = node.inputs
    assert source is not None
    assert weight is not None
    array, name = weight.const_value.numpy(), f"{node.name}.int8"  # type: ignore[union-attr]
    tape = _before(node)
    if source not in states:
        flat = tape.op("Reshape", source, tape.constant([-1, array.shape[0]], f"flat_{array.shape[0]}"))
        states[source] = QuantizedStates.per_token(tape, flat)
    scales = column_scales(array, cpu)
    products = states[source].matmul(tape, quantize_columns(array, scales), name)
    output = states[source].dequantize(tape, products, scales, name)
    shape = tape.op("Concat", tape.op("Shape", source, end=-1), tape.constant([-1], "flat"), axis=0)
    _replace(node, tape.op("Reshape", output, shape))
    return True


def _try_embedding(node: ir.Node, cpu: Cpu) -> bool:
    table = constant_of(node.inputs[0]) if node.op_type == "Gather" else None
    if table is None or table.dtype != np.float32 or table.ndim != 2 or table.size < SMALLEST_TABLE:
        return False
    # Its products are not summed, but a head may have the same weights: so they are the same numbers in int8, too.
    scales = column_scales(table.T, cpu)
    tape = _before(node)
    rows = tape.op(
        "Gather", tape.constant(quantize_columns(table.T, scales).T.copy(), f"{node.name}.int8"), node.inputs[1]
    )
    steps = tape.op("Gather", tape.constant(scales[:, None], f"{node.name}.scale"), node.inputs[1])
    _replace(node, tape.op("Mul", tape.op("Cast", rows, to=ir.DataType.FLOAT), steps))
    return True


def _before(node: ir.Node) -> GraphTape:
    assert node.graph is not None
    return GraphTape(node.graph, before=node)


def _replace(node: ir.Node, output: ir.Value) -> None:
    ir.convenience.replace_all_uses_with(node.outputs[0], output, replace_graph_outputs=True)
    assert node.graph is not None
    node.graph.remove(node, safe=True)
