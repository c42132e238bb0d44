"""Read a retrieval collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparse_train.errors import DataError

HEADER = ["query-id", "corpus-id", "score"]


def read_beir(folder: Path) -> dict[str, Any]:
    """Return queries, corpus and relevant_docs as SparseInformationRetrievalEvaluator takes them.

    Only judged queries are kept, and only documents with a score above 0 are relevant.

    Raises:
        DataError: a file is missing or malformed (the message names the line), or an id is unknown.
    """
    corpus, queries = _read_texts(folder / "corpus.jsonl"), _read_texts(folder / "queries.jsonl")
    relevant: dict[str, set[str]] = {}
    for where, query, document, score in _read_qrels(folder / "qrels" / "test.tsv"):
        if query not in queries or document not in corpus:
            raise DataError(f"{where}: {query if query not in queries else document!r} is not among the texts.")
        if score > 0:
            relevant.setdefault(query, set()).add(document)
    if not relevant:
        raise DataError(f"{folder}: judges no document as relevant.")
    return {"queries": {key: queries[key] for key in relevant}, "corpus": corpus, "relevant_docs": relevant}


def _read_texts(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for where, line in _lines(path):
        try:
            record = json.loads(line)
            texts[record["_id"]] = f"{record.get('title') or ''} {record['text']}".strip()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{where}: expected an object with _id and text.") from error
    return texts


def _read_qrels(path: Path) -> Iterator[tuple[str, str, str, int]]:
    for number, (where, line) in enumerate(_lines(path)):
        row = next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))
        if number == 0 and row == HEADER:
            continue
        try:
            query, document, score = row
            yield where, query, document, int(score)
        except ValueError as error:
            raise DataError(f"{where}: expected query-id, corpus-id, score with tabs between.") from error


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", line.rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from error
