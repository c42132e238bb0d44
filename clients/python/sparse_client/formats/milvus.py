"""Milvus: rows of JSON for a bulk import, vectors as {index: weight}."""

import json
from collections.abc import Iterable
from pathlib import Path

from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space, numbers
from sparse_client.vectors import SparseVector

_ID_BYTES = 512


def write(path: Path, rows: Iterable[Encoded], _space: Space) -> None:
    """Write a file of rows."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for position, row in enumerate(rows):
            if len(row.id.encode()) > _ID_BYTES:
                raise InputError(
                    f"the id {row.id[:40]!r}... has more than {_ID_BYTES} bytes, which is our schema's most"
                )
            stream.write(("[\n" if position == 0 else ",\n") + json.dumps({"id": row.id, "vector": sparse(row.vector)}))
        stream.write("\n]\n")


def schema(_space: Space, name: str) -> str:
    """Return the body of `POST /v2/vectordb/collections/create`."""
    fields = [
        {
            "fieldName": "id",
            "dataType": "VarChar",
            "isPrimary": True,
            "elementTypeParams": {"max_length": _ID_BYTES},
        },
        {"fieldName": "vector", "dataType": "SparseFloatVector"},
    ]
    index = {"fieldName": "vector", "indexName": "vector", "metricType": "IP", "indexType": "SPARSE_INVERTED_INDEX"}
    return json.dumps({"collectionName": name, "schema": {"fields": fields}, "indexParams": [index]}, indent=1)


def query(vector: SparseVector, _space: Space, name: str, top: int) -> str:
    """Return the body of `POST /v2/vectordb/entities/search`."""
    body = {"collectionName": name, "data": [sparse(vector)], "annsField": "vector"}
    return json.dumps(body | {"limit": top, "outputFields": ["id"]})


def sparse(vector: SparseVector) -> dict[str, float]:
    """Return the weight of each dimension."""
    return dict(zip(map(str, vector.indices.tolist()), numbers(vector), strict=True))
