"""Run a bundle's graphs with ONNX Runtime, and say on what."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

import numpy as np
import onnxruntime

from sparse_export.rows import Row

VNNI = frozenset({"avx_vnni", "avx512_vnni"})  # as Linux names it among the flags of a processor


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
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.facts: dict[str, str] = self.session.get_modelmeta().custom_metadata_map  # see `graph.tape.stamp`
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, inputs: dict[str, np.ndarray]) -> list[Row]:
        """Encode `input_ids`, `attention_mask` int64 `[batch, sequence]`, or `embedding` float32 `[batch, dim]`."""
        outputs = self.session.run(None, inputs)
        if self.outputs == ["sentence_embedding"]:
            return [Row.of_dense(row) for row in outputs[0]]
        return [Row.of_padded(*row) for row in zip(*outputs, strict=True)]


def host() -> dict[str, str]:
    """Return what runs graphs here, as a manifest's `proven_on` has it."""
    return {"processor": _processor(), "machine": platform.machine(), "onnxruntime": onnxruntime.__version__}


def _processor() -> str:
    """Return the name of the processor, on x86 also whether it has VNNI: the same as `sparse_client`'s."""
    facts: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "flags" not in facts:  # other architectures have other names for theirs
        return name
    return f"{name}, {'VNNI' if VNNI.intersection(facts['flags'].split()) else 'no VNNI'}"
