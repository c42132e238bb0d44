"""Say what a graph consists of: inputs, outputs, operators and weights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx_ir as ir

from sparse_client.bundle.facts import GraphFacts


def describe(path: Path) -> GraphFacts:
    """Describe a graph that was written."""
    graph = ir.load(path).graph
    weights: Counter[str] = Counter()
    for value in graph.initializers.values():
        if value.const_value is not None and value.const_value.dtype != ir.DataType.STRING:
            weights[value.const_value.dtype.name.lower()] += value.const_value.nbytes
    operators = Counter(node.op_type for node in ir.traversal.RecursiveGraphIterator(graph))
    return GraphFacts(
        tuple(map(_signature, graph.inputs)),
        tuple(map(_signature, graph.outputs)),
        dict(operators.most_common()),
        dict(weights.most_common()),
    )


def _signature(value: ir.Value) -> str:
    dtype = "?" if value.dtype is None else value.dtype.name.lower()
    dims = "?" if value.shape is None else ", ".join(str(getattr(dim, "value", dim)) for dim in value.shape)
    return f"{value.name} {dtype} [{dims}]"
