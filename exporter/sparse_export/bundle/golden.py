"""golden.jsonl: texts and what PyTorch makes of them, for every client in every language to replay."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sparse_client.parity.golden import DENSE, Golden


def write(path: Path, vectors: Iterable[Golden]) -> None:
    """Write one JSON object a line; float32 values survive exactly, as the shortest decimals that name them."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for golden in vectors:
            record = {
                "route": golden.route,
                "text": golden.text,
                "input_ids": golden.input_ids,
                "indices": golden.vector.indices.tolist(),
                "values": _decimals(golden.vector.values),
            }
            for name in DENSE:
                if (array := getattr(golden, name)) is not None:
                    record[name] = _decimals(array)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _decimals(array: np.ndarray) -> list[float]:
    return [float(str(value)) for value in array]
