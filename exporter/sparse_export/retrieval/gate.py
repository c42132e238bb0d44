"""The quality gate: PyTorch and the export rank the same collection, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sparse_client.bundle.facts import Quality
from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.parity import reference
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.retrieval import metrics
from sparse_export.retrieval.beir import Collection

BATCH = 16
Encode = Callable[[str, Sequence[str]], list[SparseVector]]  # route, texts -> rows


@dataclass(frozen=True, slots=True)
class Gate:
    """What an export has to reach.

    Attributes:
        checkpoint: The checkpoint, with its tokenizer and prompts.
        collection: Texts and judgements.
        dimension: Number of dimensions of a vector.
        min_ndcg_ratio: Smallest fraction of PyTorch's nDCG@10 that passes.
        pytorch: PyTorch's figures.
    """

    checkpoint: Checkpoint
    collection: Collection
    dimension: int
    min_ndcg_ratio: float
    pytorch: Quality


def measure_pytorch(checkpoint: Checkpoint, collection: Collection, dimension: int, min_ndcg_ratio: float) -> Gate:
    """Measure PyTorch on a collection, once for all graphs."""

    def encode(route: str, texts: Sequence[str]) -> list[SparseVector]:
        return reference.encode_batch(checkpoint, route, texts)

    return Gate(checkpoint, collection, dimension, min_ndcg_ratio, _measure(collection, dimension, encode))


def check(gate: Gate, paths: dict[str, Path], exact: bool = False) -> dict[str, Quality]:
    """Measure written graphs, one path for each route; `exact` as for `EncoderGraph`.

    Returns:
        The figures of `pytorch` and `export`.

    Raises:
        QualityError: If the graphs retrieve worse than the gate allows.
    """
    graphs = {path: EncoderGraph(path, exact) for path in set(paths.values())}

    def encode(route: str, texts: Sequence[str]) -> list[SparseVector]:
        return graphs[paths[route]].run(reference.token_batch(gate.checkpoint, route, texts))

    measured = _measure(gate.collection, gate.dimension, encode)
    metrics.compare(gate.pytorch, measured, gate.min_ndcg_ratio)
    return {"pytorch": gate.pytorch, "export": measured}


def _measure(collection: Collection, dimension: int, encode: Encode) -> Quality:
    return metrics.measure(
        collection,
        encode_queries=lambda texts: _matrix("query", texts, dimension, encode),
        encode_documents=lambda texts: _matrix("document", texts, dimension, encode),
    )


def _matrix(route: str, texts: Sequence[str], dimension: int, encode: Encode) -> csr_matrix:
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    rows: list[csr_matrix] = [csr_matrix((1, dimension))] * len(texts)
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        for index, row in zip(some, encode(route, [texts[index] for index in some]), strict=True):
            rows[index] = csr_matrix((row.values, row.indices, np.array([0, len(row.indices)])), (1, dimension))
    return vstack(rows, format="csr")
