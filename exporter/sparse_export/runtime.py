"""Run a bundle's graphs with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from sparse_export.rows import Row


class EncoderGraph:
    """A graph of tokens to vectors.

    Args:
        path: document.onnx or query.onnx of a bundle.
    """

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.facts: dict[str, str] = self.session.get_modelmeta().custom_metadata_map  # see `graph.tape.stamp`
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, inputs: dict[str, np.ndarray]) -> list[Row]:
        """Encode `input_ids`, `attention_mask` int64 `[batch, sequence]`, or `embedding` float32 `[batch, dim]`."""
        outputs = self.session.run(None, inputs)
        if self.outputs == ["sentence_embedding"]:
            return [Row.of_dense(row) for row in outputs[0]]
        return [Row.of_padded(*row) for row in zip(*outputs, strict=True)]
