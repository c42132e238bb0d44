"""query.onnx of an inference-free model: a look-up of static weights, no product anywhere.

    input_ids, attention_mask int64 [batch, sequence]  ->  indices int32, values float32 [batch, active]

Every distinct unmasked token counts once (sentence-transformers' SparseStaticEmbedding); weights may be negative,
active means "not 0". Rows are sorted by falling value, padding of index -1 and value 0 stands at their end.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from sparse_export.graph.sparse_output import write_pairs
from sparse_export.graph.tape import GraphTape, finish, stamp


def build(table: np.ndarray, opset: int, max_active_dims: int | None) -> ir.Model:
    """Return the look-up graph of a table of weights.

    Args:
        table: float32 `[dimension]`, the weight of each token.
        opset: ONNX opset of the graph.
        max_active_dims: Largest number of pairs, the strongest by absolute weight; None for all.
    """
    shape = ir.Shape(["batch", "sequence"])
    inputs = [
        ir.Value(name=name, type=ir.TensorType(ir.DataType.INT64), shape=shape)
        for name in ("input_ids", "attention_mask")
    ]
    graph = ir.Graph(inputs, [], nodes=[], opset_imports={"": opset}, name="query")
    tape = GraphTape(graph)
    ids, mask = (_at_least_one(tape, value) for value in inputs)
    weights = tape.op("Gather", tape.constant(table, "table"), ids)
    counted = tape.op("Cast", tape.op("Mul", mask, _first_of_its_kind(tape, ids, mask)), to=ir.DataType.BOOL)
    zero = tape.constant(np.float32(0.0), "zero")
    write_pairs(tape, tape.op("Where", counted, weights, zero), ids, max_active_dims)
    model = ir.Model(graph, ir_version=10, producer_name="sparse-export")
    finish(model)
    stamp(model, len(table), max_active_dims)
    return model


def _at_least_one(tape: GraphTape, value: ir.Value) -> ir.Value:
    return tape.op("Pad", value, tape.constant([0, 0, 0, 1], "one_more"))


def _first_of_its_kind(tape: GraphTape, ids: ir.Value, mask: ir.Value) -> ir.Value:
    """Return int64 1 where no unmasked position before has the same id, else 0."""
    same = tape.op(
        "Equal",
        tape.op("Unsqueeze", ids, tape.constant([2], "axis_2")),
        tape.op("Unsqueeze", ids, tape.constant([1], "axis_1")),
    )
    earlier = tape.op(
        "Trilu", tape.op("Cast", same, to=ir.DataType.INT64), tape.constant(np.int64(-1), "below"), upper=0
    )
    seen = tape.op("Mul", earlier, tape.op("Unsqueeze", mask, tape.constant([1], "axis_1")))
    repeats = tape.op("ReduceMax", seen, tape.constant([2], "axis_2"), keepdims=0)
    return tape.op("Sub", tape.constant([1], "axis_1"), repeats)
