"""Exact search over sparse matrices in blocks: every score is computed, few are held at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix

BLOCK_SCORES = 4_000_000
"""Scores held at once, at 12 bytes each, however many texts there are (but for one query's own)."""


def search(queries: csr_matrix, documents: csr_matrix, depth: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows and scores of the best documents of each query, best first, equal scores in order of rows.

    Args:
        queries: float32 `[queries, dimension]`.
        documents: float32 `[documents, dimension]`.
        depth: most documents of a query; as in an inverted index, one that shares no dimension with it is not found.
    """
    by_dimension = documents.T.tocsr()
    block = max(1, BLOCK_SCORES // max(1, documents.shape[0]))
    for start in range(0, queries.shape[0], block):
        scores = queries[start : start + block] @ by_dimension
        for first, last in zip(scores.indptr[:-1], scores.indptr[1:], strict=True):
            yield _best(scores.indices[first:last], scores.data[first:last], depth)


def _best(rows: np.ndarray, scores: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    if len(rows) > depth:
        kept = scores >= np.partition(scores, -depth)[-depth]  # ties at the edge stay until rows have decided
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:depth]
    return rows[order], scores[order]
