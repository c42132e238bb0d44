"""Give a retrieval collection to sentence-transformers' evaluators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparse_export.errors import InputError
from sparse_export.retrieval.beir import read_collection
from sparse_train.errors import DataError


def read_beir(folder: Path) -> dict[str, Any]:
    """Return queries, corpus and relevant_docs as SparseInformationRetrievalEvaluator takes them.

    Only judged queries are kept, and only documents with a score above 0 are relevant.

    Raises:
        DataError: If a file is missing or malformed (the message names the line), or an id is unknown.
    """
    try:
        collection = read_collection(folder)
    except InputError as error:
        raise DataError(str(error)) from error
    relevant = {
        query: {one for one, score in scores.items() if score > 0} for query, scores in collection.qrels.items()
    }
    relevant = {query: documents for query, documents in relevant.items() if documents}
    if not relevant:
        raise DataError(f"{folder}: judges no document as relevant.")
    queries = {query: collection.queries[query] for query in relevant}
    return {"queries": queries, "corpus": collection.documents, "relevant_docs": relevant}
