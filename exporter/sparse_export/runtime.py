"""Run a bundle's graphs and tokenizers with ONNX Runtime, numpy and tokenizers alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

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
        self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, input_ids: np.ndarray, attention_mask: np.ndarray) -> list[Row]:
        """Encode int64 `[batch, sequence]` token ids."""
        outputs = self.session.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})
        if self.outputs == ["sentence_embedding"]:
            return [Row.of_dense(row) for row in outputs[0]]
        return [Row.of_padded(*row) for row in zip(*outputs, strict=True)]


def token_batch(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return `input_ids` and `attention_mask`, int64 `[batch, sequence]`, padded as the tokenizer says."""
    encodings = tokenizer.encode_batch(list(texts))
    ids = np.array([encoding.ids for encoding in encodings], np.int64).reshape(len(encodings), -1)
    mask = np.array([encoding.attention_mask for encoding in encodings], np.int64).reshape(len(encodings), -1)
    return ids, mask
