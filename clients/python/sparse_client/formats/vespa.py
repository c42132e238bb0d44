"""Vespa's feed: a tensor with one mapped dimension, the tokens."""

import json
from collections.abc import Iterable
from pathlib import Path

from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space
from sparse_client.vectors import SparseVector

TYPE = "documents"  # which stands in the feed, too
_SCHEMA = """\
# bundle {bundle}
schema {name} {{
  document {name} {{
    field id type string {{
      indexing: attribute | summary
    }}
    field vector type tensor<float>(token{{}}) {{
      indexing: attribute
    }}
  }}
  rank-profile sparse {{
    inputs {{
      query(q) tensor<float>(token{{}})
    }}
    first-phase {{
      expression: sum(query(q) * attribute(vector))
    }}
  }}
}}"""


def write(path: Path, rows: Iterable[Encoded], space: Space) -> None:
    """Write a file of puts, one a line."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            fields = {"id": row.id, "vector": {"cells": space.by_word(row.vector)}}
            stream.write(json.dumps({"put": f"id:{TYPE}:{TYPE}::{row.id}", "fields": fields}) + "\n")


def schema(space: Space, name: str) -> str:
    """Return the schema of the application; its search looks at every document and is exact."""
    _check(name)
    return _SCHEMA.format(bundle=space.bundle, name=name)


def query(vector: SparseVector, space: Space, name: str, top: int) -> str:
    """Return the body of a search."""
    _check(name)
    body = {"yql": f"select id from {name} where true", "ranking": "sparse", "hits": top}
    return json.dumps(body | {"input.query(q)": {"cells": space.by_word(vector)}})


def _check(name: str) -> None:
    if name != TYPE:
        raise InputError(f"--name {name}: the documents of a feed are of the type {TYPE}, so leave --name out")
