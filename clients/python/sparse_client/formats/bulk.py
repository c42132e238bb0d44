"""`_bulk` requests of OpenSearch and Elasticsearch, their mappings and the bodies of searches."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space, check_positive
from sparse_client.vectors import SparseVector

FIELD = "vector"
# A dot in a key is a path, in both; Elasticsearch's own models write two underscores for it.
_WRITTEN = {".": "__"}
_TYPES: dict[str, dict[str, Any]] = {
    "OpenSearch": {"type": "rank_features"},
    "Elasticsearch": {"type": "sparse_vector", "index_options": {"prune": False}},
}


class Bulk:
    """One of the two engines.

    Args:
        engine: Its name.
    """

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def write(self, path: Path, rows: Iterable[Encoded], space: Space) -> None:
        """Write the body of a `_bulk` request to an index."""
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            for row in rows:
                check_positive(row.vector, f"the text {row.id!r}", self._engine)
                action, source = {"index": {"_id": row.id}}, {FIELD: space.by_word(row.vector, _WRITTEN)}
                stream.write(f"{json.dumps(action)}\n{json.dumps(source)}\n")

    def schema(self, space: Space, _name: str) -> str:
        """Return the body that creates the index."""
        about = {"bundle": space.bundle}
        return json.dumps({"mappings": {"_meta": about, "properties": {FIELD: _TYPES[self._engine]}}}, indent=1)

    def query(self, vector: SparseVector, space: Space, _name: str, top: int) -> str:
        """Return the body of a search."""
        check_positive(vector, "the query", self._engine)
        weights = space.by_word(vector, _WRITTEN)
        if self._engine == "OpenSearch":
            clause: dict[str, Any] = {"neural_sparse": {FIELD: {"query_tokens": weights}}}
        else:
            clause = {"sparse_vector": {"field": FIELD, "query_vector": weights, "prune": False}}
        return json.dumps({"size": top, "_source": False, "query": clause})
