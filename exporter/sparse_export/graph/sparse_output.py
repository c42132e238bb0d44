"""The end of a graph: weights to sorted (index, weight) pairs.

    weights float32 [batch, width]  ->  indices int32 [batch, active], values float32 [batch, active]

`active` is the largest number of active dimensions in the batch, so nothing is cut; shorter rows end with index -1,
value 0. Rows are sorted by falling value: of weights that are never negative, every smaller number of dimensions is a
prefix.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from sparse_export.graph.tape import GraphTape
from sparse_export.options import Output

LOWEST = np.finfo(np.float32).min  # sorts what is not active behind every weight


def finish(model: ir.Model, form: Output, max_active_dims: int | None, columns: np.ndarray | None) -> None:
    """Give a graph with the output `sentence_embedding`, a weight for each column, the outputs of a form."""
    if form is Output.SPARSE:
        attach(model, max_active_dims, columns)
    elif max_active_dims is not None:
        limit_dense(model, max_active_dims)


def attach(model: ir.Model, max_active_dims: int | None = None, columns: np.ndarray | None = None) -> None:
    """Replace the output `sentence_embedding` (weights >= 0) by `indices` and `values`.

    Args:
        model: The graph.
        max_active_dims: Largest number of pairs of a row, None for no limit.
        columns: int32 `[width]`, rising: the dimension of each weight, None where they are one and the same.
    """
    tape = GraphTape(model.graph)
    weights = model.graph.outputs[0]
    width = _width(tape, tape.op("Greater", weights, tape.constant(np.float32(0.0), "zero")), max_active_dims)
    values, positions = tape.ops("TopK", weights, width, axis=1)
    kept = tape.op("Greater", values, tape.constant(np.float32(0.0), "zero"))
    indices, none = positions, np.asarray(-1, np.int64)
    if columns is not None:  # of what is active alone; rising, so that equal weights stay in the order of their index
        indices, none = tape.op("Gather", tape.constant(columns, "columns"), positions), np.asarray(-1, columns.dtype)
    _finish(tape, tape.op("Where", kept, indices, tape.constant(none, "no_index")), values)


def write_pairs(tape: GraphTape, weights: ir.Value, ids: ir.Value, max_active_dims: int | None) -> None:
    """End a graph with the pairs of `ids` int64 and `weights` float32 `[batch, positions]` whose weight is not 0."""
    zero, lowest = tape.constant(np.float32(0.0), "zero"), tape.constant(LOWEST, "lowest")
    if max_active_dims is not None:  # as sentence-transformers limits them: the largest by absolute weight
        length = tape.op("Shape", weights, start=1)
        count = tape.op("Min", length, tape.constant([max_active_dims], "max_active_dims"))
        _, strongest = tape.ops("TopK", tape.op("Abs", weights), count, axis=1)
        weights, ids = (tape.op("GatherElements", value, strongest, axis=1) for value in (weights, ids))
    active = tape.op("Not", tape.op("Equal", weights, zero))
    sortable = tape.op("Where", active, weights, lowest)
    values, positions = tape.ops("TopK", sortable, _width(tape, active, None), axis=1)
    kept = tape.op("Greater", values, lowest)
    indices = tape.op("GatherElements", ids, positions, axis=1)
    _finish(
        tape,
        tape.op("Where", kept, indices, tape.constant(np.int64(-1), "no_index")),
        tape.op("Where", kept, values, zero),
    )


def limit_dense(model: ir.Model, max_active_dims: int) -> None:
    """Keep the `max_active_dims` largest weights of each row of the output `sentence_embedding`, zero the others."""
    tape = GraphTape(model.graph)
    weights = model.graph.outputs[0]
    values, positions = tape.ops("TopK", weights, tape.constant([max_active_dims], "max_active_dims"), axis=1)
    zeros = tape.op("Mul", weights, tape.constant(np.float32(0.0), "zero"))
    limited = tape.op("ScatterElements", zeros, positions, values, axis=1)
    weights.name, limited.name = "all_weights", weights.name
    limited.type, limited.shape = weights.type, weights.shape
    model.graph.outputs[0] = limited


def _width(tape: GraphTape, active: ir.Value, max_active_dims: int | None) -> ir.Value:
    """Return int64 `[1]`: the largest number of active dimensions in the batch, at least 1."""
    one = tape.constant([1], "axis_1")
    counts = tape.op("ReduceSum", tape.op("Cast", active, to=ir.DataType.INT64), one, keepdims=0)
    width = tape.op("Max", tape.op("ReduceMax", counts, keepdims=1), one)
    if max_active_dims is None:
        return width
    return tape.op("Min", width, tape.constant([max_active_dims], "max_active_dims"))


def _finish(tape: GraphTape, indices: ir.Value, values: ir.Value) -> None:
    tape.graph.outputs.clear()
    indices = tape.op("Cast", indices, to=ir.DataType.INT32)
    for name, value, dtype in (("indices", indices, ir.DataType.INT32), ("values", values, ir.DataType.FLOAT)):
        value.name, value.type, value.shape = name, ir.TensorType(dtype), ir.Shape(["batch", "active"])
        tape.graph.outputs.append(value)
