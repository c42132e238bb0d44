"""Say what is inside a bundle: its manifest in short, its graphs' inputs, outputs, operators and weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import onnx_ir as ir

from sparse_client.errors import one_line
from sparse_export.bundle import manifest
from sparse_export.errors import BundleError


@dataclass(frozen=True, slots=True)
class GraphInfo:
    """One graph of a bundle.

    Attributes:
        name: File name.
        size: Bytes, side files included.
        inputs: Name, type and shape of each input.
        outputs: Likewise.
        operators: How often each operator occurs, most frequent first.
        weights: Bytes of constants by type.
    """

    name: str
    size: int
    inputs: list[str]
    outputs: list[str]
    operators: list[tuple[str, int]]
    weights: list[tuple[str, int]]


def inspect(bundle: Path) -> list[GraphInfo]:
    """Describe every graph of a bundle.

    Raises:
        BundleError: The folder is no bundle, or is damaged.
    """
    files = manifest.read(bundle).files
    return [
        _describe(bundle / name, sum(file.size for other, file in files.items() if other.startswith(name)))
        for name in files
        if name.endswith(".onnx")
    ]


def _describe(path: Path, size: int) -> GraphInfo:
    try:
        graph = ir.load(path).graph
    except Exception as error:  # protobuf has errors of its own
        raise BundleError(f"'{path}' cannot be loaded: {one_line(error)}") from error
    weights: Counter[str] = Counter()
    for value in graph.initializers.values():
        if value.const_value is not None and value.const_value.dtype != ir.DataType.STRING:
            weights[value.const_value.dtype.name.lower()] += value.const_value.nbytes
    operators = Counter(node.op_type for node in graph)
    return GraphInfo(
        path.name,
        size,
        [_signature(value) for value in graph.inputs],
        [_signature(value) for value in graph.outputs],
        operators.most_common(),
        weights.most_common(),
    )


def _signature(value: ir.Value) -> str:
    dtype = "?" if value.dtype is None else value.dtype.name.lower()
    dims = "?" if value.shape is None else ", ".join(str(getattr(dim, "value", dim)) for dim in value.shape)
    return f"{value.name} {dtype} [{dims}]"
