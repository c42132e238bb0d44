"""Run a bundle as anybody could: with numpy, tokenizers and onnxruntime, and without this project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def encode(bundle: Path, texts: Sequence[str], route: str = "document") -> list[dict[int, float]]:
    """Encode texts as one padded batch; return the weight of each active dimension, strongest first."""
    entry = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))["routes"][route]
    tokenizer, special = Tokenizer.from_file(str(bundle / entry["tokenizer"])), entry.get("add_special_tokens", True)
    encodings = tokenizer.encode_batch([entry["prompt"] + text for text in texts], add_special_tokens=special)
    parts = {"input_ids": "ids", "attention_mask": "attention_mask"}
    inputs = {name: np.array([getattr(one, part) for one in encodings], np.int64) for name, part in parts.items()}
    graph = bundle / entry["graph"]
    session = _session(graph, graph.stat().st_mtime_ns)
    indices, values = session.run(["indices", "values"], inputs)
    pairs = (zip(*row, strict=True) for row in zip(indices.tolist(), values.tolist(), strict=True))
    return [{index: value for index, value in row if index >= 0} for row in pairs]


@lru_cache(maxsize=4)
def _session(path: Path, _modified: int) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def golden_texts(bundle: Path) -> dict[str, list[str]]:
    """Return the golden texts of a bundle by route."""
    found: dict[str, list[str]] = {}
    for line in (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        found.setdefault(one["route"], []).append(one["text"])
    return found
