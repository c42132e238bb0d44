"""Golden vectors: texts and what PyTorch makes of them, for every client in every language to replay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparse_export.errors import BundleError
from sparse_export.rows import Row

FILE = "golden.jsonl"
DENSE = ("embedding", "decoded")  # of Golden; only some bundles have them


@dataclass(frozen=True, slots=True)
class Golden:
    """One test vector.

    Attributes:
        route: `document` or `query`.
        text: The text as a user passes it, without the route's prompt.
        input_ids: Token ids, special tokens and prompt included, no padding; none where the graph takes an embedding.
        row: PyTorch's vector.
        embedding: float32 `[dim]`, what the graph takes instead of tokens, with `--sae-only`.
        decoded: float32 `[dim]`, the reconstruction of `row` by PyTorch, where dimensions are features.
    """

    route: str
    text: str
    input_ids: list[int]
    row: Row
    embedding: np.ndarray | None = None
    decoded: np.ndarray | None = None

    def inputs(self) -> dict[str, np.ndarray]:
        """Return what the graph takes, as a batch of one."""
        if self.embedding is not None:
            return {"embedding": self.embedding[None]}
        ids = np.array([self.input_ids], np.int64).reshape(1, -1)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def write(path: Path, vectors: Iterable[Golden]) -> None:
    """Write one JSON object a line; float32 values survive exactly, as the shortest decimals that name them."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for vector in vectors:
            record = {
                "route": vector.route,
                "text": vector.text,
                "input_ids": vector.input_ids,
                "indices": vector.row.indices.tolist(),
                "values": _decimals(vector.row.values),
            }
            for name in DENSE:
                if (array := getattr(vector, name)) is not None:
                    record[name] = _decimals(array)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _decimals(array: np.ndarray) -> list[float]:
    return [float(str(value)) for value in array]


def read(path: Path) -> Iterator[Golden]:
    """Yield the vectors of a bundle.

    Raises:
        BundleError: A line is not a golden vector.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _parse(line)
            except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
                raise BundleError(f"{path}, line {number} is not a golden vector: {error!r}.") from error


def _parse(line: bytes) -> Golden:
    record = json.loads(line)
    route, text, ids = record["route"], record["text"], record["input_ids"]
    if not (isinstance(route, str) and isinstance(text, str) and isinstance(ids, list)):
        raise TypeError("route and text must be strings, input_ids a list")
    row = Row(np.array(record["indices"], np.int32), np.array(record["values"], np.float32))
    if row.indices.ndim != 1 or row.indices.shape != row.values.shape:
        raise ValueError("indices and values must be lists of the same length")
    dense = {name: np.array(record[name], np.float32) for name in DENSE if name in record}
    if any(array.ndim != 1 for array in dense.values()):
        raise ValueError(f"{' and '.join(DENSE)} must be lists of numbers")
    return Golden(route, text, ids, row, **dense)
