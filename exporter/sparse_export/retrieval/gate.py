"""The quality gate: PyTorch and the export rank the same collection, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.parity import reference
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.retrieval import metrics
from sparse_export.retrieval.beir import Collection

BATCH = 16
Encode = Callable[[str, Sequence[str]], list[SparseVector]]  # route, texts -> rows


class Judge:
    """Compare graphs with PyTorch on a collection; PyTorch is measured once.

    Args:
        checkpoint: The checkpoint, with its tokenizer and prompts.
        collection: Texts and judgements.
        dimension: Number of dimensions of a vector.
        min_ndcg_ratio: Smallest share of PyTorch's nDCG@10 that passes.
    """

    def __init__(self, checkpoint: Checkpoint, collection: Collection, dimension: int, min_ndcg_ratio: float) -> None:
        self.checkpoint, self.collection, self.min_ndcg_ratio = checkpoint, collection, min_ndcg_ratio
        self.dimension = dimension
        self.reference = self._measure(lambda route, texts: reference.encode_batch(checkpoint, route, texts))

    def judge(self, paths: dict[str, Path], exact: bool = False) -> dict[str, Any]:
        """Measure written graphs, one path for each route; `exact` as for `EncoderGraph`.

        Returns:
            The figures of both sides, as the manifest has them.

        Raises:
            QualityError: The graph retrieves worse than `min_ndcg_ratio` allows.
        """
        graphs = {path: EncoderGraph(path, exact) for path in set(paths.values())}

        def encode(route: str, texts: Sequence[str]) -> list[SparseVector]:
            return graphs[paths[route]].run(reference.token_batch(self.checkpoint, route, texts))

        measured = self._measure(encode)
        metrics.compare(self.reference, measured, self.min_ndcg_ratio)
        return {"pytorch": asdict(self.reference), "export": asdict(measured)}

    def _measure(self, encode: Encode) -> metrics.Quality:
        return metrics.measure(
            self.collection,
            encode_queries=lambda texts: self._matrix("query", texts, encode),
            encode_documents=lambda texts: self._matrix("document", texts, encode),
        )

    def _matrix(self, route: str, texts: Sequence[str], encode: Encode) -> csr_matrix:
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        rows: list[csr_matrix] = [csr_matrix((1, self.dimension))] * len(texts)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            for index, row in zip(some, encode(route, [texts[index] for index in some]), strict=True):
                rows[index] = csr_matrix(
                    (row.values, row.indices, np.array([0, len(row.indices)])), (1, self.dimension)
                )
        return vstack(rows, format="csr")
