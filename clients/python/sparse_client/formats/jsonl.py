"""A JSON object a line: what `sparse-client decode` reads."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparse_client.formats.encoded import Encoded


def line(row: Encoded) -> str:
    """Return the line of one text, without its end."""
    fields = {**row.label, "indices": row.vector.indices.tolist(), "values": short(row.vector.values)}
    return json.dumps(fields if row.dense is None else fields | {"dense": short(row.dense)})


def short(values: NDArray[np.float32]) -> list[float | int]:
    """Return the same numbers with the fewest digits that give the same float32; whole ones without a point."""
    return [int(value) if value.is_integer() else float(str(value)) for value in values]


def write(path: Path, rows: Iterable[Encoded]) -> None:
    """Write a file."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line(row)}\n" for row in rows)
