"""decode.onnx of a vocabulary: indices int32, values float32 `[batch, active]` -> tokens string `[batch, active]`."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from sparse_export.graph.tape import GraphTape, finish


def build(labels: Sequence[str], opset: int) -> ir.Model:
    """Return a graph that looks up the label of each index; an index of -1 has the label "".

    Args:
        labels: One label for each dimension.
        opset: ONNX opset of the graph.
    """
    shape = ir.Shape(["batch", "active"])
    indices = ir.Value(name="indices", type=ir.TensorType(ir.DataType.INT32), shape=shape)
    values = ir.Value(name="values", type=ir.TensorType(ir.DataType.FLOAT), shape=shape)
    graph = ir.Graph([indices, values], [], nodes=[], opset_imports={"": opset}, name="decode")
    tape = GraphTape(graph)
    # Gather counts negative indices from the end, so -1 is the empty label that stands there.
    strings = [label.encode() for label in (*labels, "")]
    table = tape.constant(ir.StringTensor(strings, shape=ir.Shape([len(strings)]), name="labels"), "labels")
    tokens = tape.op("Gather", table, indices)
    tokens.name, tokens.dtype, tokens.shape = "tokens", ir.DataType.STRING, shape
    graph.outputs.append(tokens)
    model = ir.Model(graph, ir_version=10, producer_name="sparse-export")
    finish(model)
    return model
