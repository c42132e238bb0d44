"""Lines with the impact of each token: Anserini's JsonVectorCollection, and Seismic's, which takes weights too."""

import json
from collections.abc import Iterable
from pathlib import Path

from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space
from sparse_client.vectors import SparseVector

_LUCENE = """\
# bundle {bundle}
java -cp anserini.jar io.anserini.index.IndexCollection -collection JsonVectorCollection -input vectors/ \\
  -generator DefaultLuceneDocumentGenerator -index {name} -impact -pretokenized"""


def write_anserini(path: Path, rows: Iterable[Encoded], space: Space) -> None:
    """Write a file of a JsonVectorCollection."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            line = {"id": row.id, "contents": "", "vector": _terms(row.vector, space)}
            stream.write(json.dumps(line) + "\n")


def anserini_schema(space: Space, name: str) -> str:
    """Return the command that makes the index."""
    return _LUCENE.format(bundle=space.bundle, name=name)


def anserini_query(vector: SparseVector, space: Space, _name: str, _top: int) -> str:
    """Return the text of a pretokenized search: each token as often as its impact says."""
    return " ".join(" ".join([word] * int(impact)) for word, impact in _terms(vector, space).items())


def write_seismic(path: Path, rows: Iterable[Encoded], space: Space) -> None:
    """Write a file that Seismic builds its index from."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps({"id": row.id, "content": "", "vector": space.by_word(row.vector)}) + "\n")


def seismic_query(vector: SparseVector, space: Space, _name: str, _top: int) -> str:
    """Return a query as Seismic reads it."""
    return json.dumps({"id": "query", "content": "", "vector": space.by_word(vector)})


def _terms(vector: SparseVector, space: Space) -> dict[str, float]:
    weights = space.by_word(vector)
    for word in weights:
        if not word or any(map(str.isspace, word)):
            raise InputError(f"the token {word!r} is no term: a pretokenized text of Lucene is cut at white space")
    return weights
