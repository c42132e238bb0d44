"""Measure how well sparse vectors rank documents, and refuse an export that ranks worse than its checkpoint."""

from collections.abc import Callable, Iterator

import ir_measures
from ir_measures import R, nDCG
from scipy.sparse import csr_matrix

from sparse_client.bundle.facts import Quality
from sparse_export.errors import QualityError
from sparse_export.retrieval.beir import Collection
from sparse_export.retrieval.search import search

Encode = Callable[[list[str]], csr_matrix]

DEPTH = 100
"""Documents kept for a query: the deepest metric is recall@100."""


def measure(collection: Collection, encode_queries: Encode, encode_documents: Encode) -> Quality:
    """Encode a collection and evaluate it; a callable takes `n` texts and gives `[n, dimension]`."""
    queries = encode_queries(list(collection.queries.values()))
    documents = encode_documents(list(collection.documents.values()))
    return evaluate(queries, documents, collection)


def evaluate(queries: csr_matrix, documents: csr_matrix, collection: Collection) -> Quality:
    """Rank every document for every query by dot product and compare with the judgements.

    Args:
        queries: `[len(collection.queries), dimension]`, rows in the order of `collection.queries`.
        documents: `[len(collection.documents), dimension]`, rows in the order of `collection.documents`.
        collection: the ids and judgements.

    Raises:
        ValueError: the shapes do not fit each other or the collection.
    """
    expected = (len(collection.queries), len(collection.documents), queries.shape[1])
    if (queries.shape[0], documents.shape[0], documents.shape[1]) != expected:
        raise ValueError(f"{queries.shape} queries and {documents.shape} documents do not fit {expected[:2]} texts")
    rankings = rank(queries, documents, list(collection.documents))
    run = {key: _as_run(ranking) for key, ranking in zip(collection.queries, rankings, strict=True)}
    ndcg, recall = nDCG @ 10, R @ DEPTH
    metrics = ir_measures.calc_aggregate([ndcg, recall], collection.qrels, run)
    query_counts, document_counts = queries.count_nonzero(axis=0), documents.count_nonzero(axis=0)
    return Quality(
        ndcg_at_10=float(metrics[ndcg]),
        recall_at_100=float(metrics[recall]),
        query_active_dims=float(query_counts.sum() / queries.shape[0]),
        document_active_dims=float(document_counts.sum() / documents.shape[0]),
        flops=float((query_counts / queries.shape[0]) @ (document_counts / documents.shape[0])),
    )


def rank(queries: csr_matrix, documents: csr_matrix, ids: list[str], depth: int = DEPTH) -> Iterator[list[str]]:
    """Yield the ids of the `depth` best documents of each query, best first, equal scores in the order of their ids."""
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    for rows, _ in search(queries, documents[by_id], depth):
        yield [ids[by_id[row]] for row in rows]


def _as_run(ranking: list[str]) -> dict[str, float]:
    """Score by rank: trec_eval sorts again, in single precision and with its own rule for ties."""
    return {key: float(-rank) for rank, key in enumerate(ranking)}


def compare(reference: Quality, export: Quality, min_ndcg_ratio: float) -> None:
    """Check that an export ranks as well as its checkpoint, up to `min_ndcg_ratio`.

    Raises:
        QualityError: it does not, or the reference finds nothing, so that the collection cannot judge.
    """
    if not reference.ndcg_at_10 > 0:
        raise QualityError("PyTorch itself has nDCG@10 0 on this collection, so it cannot check the export")
    ratio = export.ndcg_at_10 / reference.ndcg_at_10
    if not ratio >= min_ndcg_ratio:  # so written, NaN fails too
        raise QualityError(
            f"nDCG@10 is {export.ndcg_at_10:.4f}, {ratio:.2%} of PyTorch's {reference.ndcg_at_10:.4f}; "
            f"at least {min_ndcg_ratio:.2%} was asked for (recall@100 {export.recall_at_100:.4f}, "
            f"PyTorch {reference.recall_at_100:.4f})"
        )
