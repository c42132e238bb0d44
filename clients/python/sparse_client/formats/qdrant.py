"""Qdrant: points with a sparse vector of the name `vector`.

Ids of points are whole numbers or UUIDs: ours is made from the text's id, which stands in the payload.
"""

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space, numbers
from sparse_client.vectors import SparseVector

VECTOR = "vector"
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122's for names of any kind


def point_id(id_: str) -> str:
    """Return the UUID of a text, always the same one."""
    return str(uuid.uuid5(_NAMESPACE, id_))


def point(row: Encoded) -> dict[str, Any]:
    """Return the point of a text."""
    return {"id": point_id(row.id), "vector": {VECTOR: _sparse(row.vector)}, "payload": {"id": row.id}}


def write(path: Path, rows: Iterable[Encoded], _space: Space) -> None:
    """Write the body of `PUT /collections/NAME/points`."""
    path.write_text(json.dumps({"points": [point(row) for row in rows]}), "utf-8")


def schema(_space: Space, _name: str) -> str:
    """Return the body of `PUT /collections/NAME`."""
    return json.dumps({"sparse_vectors": {VECTOR: {}}}, indent=1)


def query(vector: SparseVector, _space: Space, _name: str, top: int) -> str:
    """Return the body of `POST /collections/NAME/points/query`."""
    return json.dumps({"query": _sparse(vector), "using": VECTOR, "limit": top, "with_payload": True})


def _sparse(vector: SparseVector) -> dict[str, list[float]]:
    return {"indices": vector.indices.tolist(), "values": numbers(vector)}
