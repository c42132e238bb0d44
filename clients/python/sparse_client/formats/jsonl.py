"""A JSON object a line: what `sparse-client decode` reads."""

import json
from collections.abc import Iterable
from pathlib import Path

from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space, numbers


def line(row: Encoded) -> str:
    """Return the line of one text, without its end."""
    fields = {**row.label, "indices": row.vector.indices.tolist(), "values": numbers(row.vector)}
    return json.dumps(fields if row.dense is None else fields | {"dense": row.dense.tolist()})


def write(path: Path, rows: Iterable[Encoded], _space: Space) -> None:
    """Write a file."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{line(row)}\n" for row in rows)
