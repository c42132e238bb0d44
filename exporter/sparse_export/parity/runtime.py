"""Run a bundle's graphs with ONNX Runtime, and say on what."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import onnxruntime

from sparse_client.bundle.facts import Host
from sparse_client.bundle.outputs import DENSE, OUTPUTS
from sparse_client.bundle.processor import processor_name
from sparse_client.vectors import SparseVector


class EncoderGraph:
    """A graph of tokens to vectors.

    Args:
        path: document.onnx or query.onnx of a bundle.
        exact: Compute 8-bit products exactly on every processor, some twice as slowly; see `options.Cpu`.
    """

    def __init__(self, path: Path, exact: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        if exact:
            options.add_session_config_entry("session.x64quantprecision", "1")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, inputs: dict[str, np.ndarray]) -> list[SparseVector]:
        """Encode `input_ids`, `attention_mask` int64 `[batch, sequence]`, or `embedding` float32 `[batch, dim]`."""
        return self.run_hybrid(inputs)[0]

    def run_hybrid(self, inputs: dict[str, np.ndarray]) -> tuple[list[SparseVector], list[np.ndarray]]:
        """As `run`; also the dense embeddings, float32 `[hidden]` each, none where the graph gives none."""
        outputs = dict(zip(self.outputs, self.session.run(None, inputs), strict=True))
        _, to_vectors = OUTPUTS["dense" if "sentence_embedding" in outputs else "sparse"]
        return to_vectors(outputs, None), list(outputs.get(DENSE, []))


def host() -> Host:
    """Return what runs graphs here."""
    return Host(processor_name(), platform.machine(), onnxruntime.__version__)
