"""Write a graph to disk, its weights beside it where they would not fit into one protobuf."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir

SMALL = 1024  # bytes; shapes and axes stay in the model, where ONNX Runtime wants them


def save(model: ir.Model, path: Path, external_data_bytes: int) -> None:
    """Write `path`, and `path` with the ending .data if the weights have more than `external_data_bytes` bytes."""
    weights = sum(
        value.const_value.nbytes for value in model.graph.initializers.values() if value.const_value is not None
    )
    side_file = f"{path.name}.data" if weights > external_data_bytes else None
    ir.save(model, path, external_data=side_file, size_threshold_bytes=SMALL)
