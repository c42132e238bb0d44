"""Write ONNX nodes at one place of an `onnx_ir` graph, and a graph to disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir

CONTRIB = "com.microsoft"
# Large enough to vanish in a softmax, small enough for fp16, and finite: a row that sees nothing stays a number.
MASKED = -30000.0
SMALL = 1024  # bytes; shapes and axes stay in the model, where ONNX Runtime wants them


class GraphTape:
    """Add nodes to a graph, at its end or in front of one of its nodes.

    Args:
        graph: The graph that receives nodes and constants.
        before: The node in front of which to write; None appends to the graph.
    """

    def __init__(self, graph: ir.Graph, before: ir.Node | None = None) -> None:
        self.graph = graph
        self._before = before

    def op(self, op_type: str, *inputs: ir.Value | None, domain: str = "", **attributes: object) -> ir.Value:
        """Add one node with one output and return that output."""
        (value,) = self.ops(op_type, *inputs, domain=domain, outputs=1, **attributes)
        return value

    def ops(
        self, op_type: str, *inputs: ir.Value | None, domain: str = "", outputs: int = 2, **attributes: object
    ) -> Sequence[ir.Value]:
        """Add one node with several outputs and return them."""
        node = ir.node(op_type, inputs, attributes, domain=domain, num_outputs=outputs)  # type: ignore[arg-type]
        if self._before is None:
            self.graph.append(node)
        else:
            self.graph.insert_before(self._before, node)
        return node.outputs

    def constant(self, array: np.ndarray | np.generic | list[int] | ir.StringTensor, name: str) -> ir.Value:
        """Return an initializer that holds `array` (a list becomes int64); the same name gives the same value."""
        existing = self.graph.initializers.get(name)
        if existing is not None:
            return existing
        if isinstance(array, list):
            array = np.asarray(array, dtype=np.int64)
        tensor = array if isinstance(array, ir.StringTensor) else ir.tensor(array, name=name)
        value = ir.Value(
            name=name, shape=ir.Shape(tensor.shape.numpy()), type=ir.TensorType(tensor.dtype), const_value=tensor
        )
        self.graph.register_initializer(value)
        return value


def stamp(model: ir.Model, dimension: int, max_active_dims: int | None) -> None:
    """Write into a graph what the manifest says of it, so that `verify` finds a manifest that says otherwise."""
    model.metadata_props["dimension"] = str(dimension)
    model.metadata_props["max_active_dims"] = str(max_active_dims or "none")


def constant_of(value: ir.Value | None) -> np.ndarray | None:
    """Return the array behind an initializer, or None if `value` is computed."""
    if value is None or value.const_value is None or not value.is_initializer():
        return None
    return value.const_value.numpy()


def finish(model: ir.Model) -> None:
    """Drop what nothing reads, then name every node and value: files of the same checkpoint are the same bytes.

    The exporter's metadata go too: its stack traces name the folders of the machine that it ran on.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass, NameFixPass, RemoveUnusedNodesPass

    RemoveUnusedNodesPass()(model)
    ClearMetadataAndDocStringPass()(model)
    NameFixPass()(model)
    model.opset_imports.setdefault(CONTRIB, 1)


def save(model: ir.Model, path: Path, external_data_bytes: int) -> None:
    """Write `path`, and `path` with the ending .data if the weights have more than `external_data_bytes` bytes."""
    weights = sum(
        value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value is not None
    )
    side_file = f"{path.name}.data" if weights > external_data_bytes else None
    ir.save(model, path, external_data=side_file, size_threshold_bytes=SMALL)
