"""The end of a graph: weights of all dimensions to sorted (index, weight) pairs.

    sentence_embedding float32 [batch, dimension]  ->  indices int32 [batch, active], values float32 [batch, active]

`active` is the largest number of active dimensions in the batch, so nothing is cut; shorter rows end with index -1,
value 0. Rows are sorted by falling value: every smaller number of dimensions is a prefix.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from sparse_export.graph.tape import GraphTape


def attach(model: ir.Model, max_active_dims: int | None = None) -> None:
    """Replace the output `sentence_embedding` (weights >= 0) by `indices` and `values`."""
    graph = model.graph
    tape = GraphTape(graph)
    weights = graph.outputs[0]
    zero, one = tape.constant(np.float32(0.0), "zero"), tape.constant([1], "axis_1")
    active = tape.op("Cast", tape.op("Greater", weights, zero), to=ir.DataType.INT64)
    counts = tape.op("ReduceSum", active, one, keepdims=0)
    width = tape.op("Max", tape.op("ReduceMax", counts, keepdims=1), one)
    if max_active_dims is not None:
        width = tape.op("Min", width, tape.constant([max_active_dims], "max_active_dims"))
    values, positions = tape.ops("TopK", weights, width, axis=1)
    padding = tape.constant(np.int64(-1), "no_index")
    indices = tape.op("Where", tape.op("Greater", values, zero), positions, padding)
    outputs = {"indices": tape.op("Cast", indices, to=ir.DataType.INT32), "values": values}
    graph.outputs.clear()
    for name, dtype in (("indices", ir.DataType.INT32), ("values", ir.DataType.FLOAT)):
        outputs[name].name, outputs[name].dtype = name, dtype
        outputs[name].shape = ir.Shape(["batch", "active"])
        graph.outputs.append(outputs[name])
