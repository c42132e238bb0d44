"""Check decode.onnx: that it names the tokens of the tokenizer, or gives PyTorch's reconstruction of an embedding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from sparse_export.errors import BundleError, ParityError
from sparse_export.parity.distance import FAINT
from sparse_export.parity.golden import Golden

FILE = "decode.onnx"


def check(path: Path, vectors: Sequence[Golden], labels: Sequence[str]) -> None:
    """Decode golden vectors, all in one padded batch.

    Args:
        path: The graph.
        vectors: Vectors of PyTorch.
        labels: The token of each dimension; not read where dimensions are features.

    Raises:
        ParityError: A token differs, or an embedding by more than a float32 graph may.
        BundleError: The vectors have no reconstruction to compare with.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = [output.name for output in session.get_outputs()]
    (decoded,) = session.run([output], _padded(vectors))
    for vector, row in zip(vectors, decoded, strict=True):
        if output == "tokens":
            _check_tokens(path, vector, row.tolist(), labels)
        else:
            _check_embedding(path, vector, row)


def _padded(vectors: Sequence[Golden]) -> dict[str, np.ndarray]:
    shape = len(vectors), max(1, *(len(vector.row.indices) for vector in vectors))
    indices, values = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
    for number, vector in enumerate(vectors):
        count = len(vector.row.indices)
        indices[number, :count], values[number, :count] = vector.row
    return {"indices": indices, "values": values}


def _check_tokens(path: Path, vector: Golden, tokens: list[str], labels: Sequence[str]) -> None:
    count = len(vector.row.indices)
    expected = [labels[index] for index in vector.row.indices.tolist()] + [""] * (len(tokens) - count)
    if tokens != expected:
        one, other = next(pair for pair in zip(tokens, expected, strict=True) if pair[0] != pair[1])
        raise ParityError(f"{path.name} calls {other!r} {one!r}, for the text {vector.text[:40]!r}.")


def _check_embedding(path: Path, vector: Golden, embedding: np.ndarray) -> None:
    if vector.decoded is None:
        raise BundleError(f"The golden vector of {vector.text[:40]!r} has no reconstruction to compare with.")
    difference = np.abs(embedding - vector.decoded).max() if embedding.shape == vector.decoded.shape else np.inf
    if not difference <= FAINT:
        raise ParityError(
            f"{path.name} gives an embedding that differs from PyTorch's by {difference:.1e}, more than {FAINT:.0e}, "
            f"for the text {vector.text[:40]!r}."
        )
