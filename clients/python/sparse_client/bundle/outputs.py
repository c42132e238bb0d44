"""What a graph gives, as vectors; and vectors as it takes them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from sparse_client.vectors import SparseVector

_T = TypeVar("_T")
DENSE = "dense"  # the output that has the dense embeddings
# Names of the outputs of a graph, and what makes rows of them.
Reader: TypeAlias = tuple[Sequence[str], Callable[[dict[str, NDArray[Any]], int | None], list[_T]]]
# Vectors, and the dense embeddings of the same texts, float32 ``[texts, width]``.
Hybrid: TypeAlias = tuple[list[SparseVector], NDArray[np.float32]]


def from_sparse(outputs: dict[str, NDArray[Any]], most: int | None) -> list[SparseVector]:
    """Drop the padding of ``indices`` and ``values``, ``[batch, active]``, sorted by falling weight.

    Args:
        outputs: The outputs of the graph by name.
        most: How many dimensions to keep of each row, None for all.
    """
    counts = (outputs["indices"] >= 0).sum(axis=1)
    rows = zip(outputs["indices"], outputs["values"], counts, strict=True)
    if most is None:
        return [SparseVector(indices[:count], values[:count]) for indices, values, count in rows]
    return [SparseVector(*strongest(indices[:count], values[:count], most)) for indices, values, count in rows]


def to_sparse(vectors: Sequence[SparseVector]) -> dict[str, NDArray[Any]]:
    """Pad with index -1 and value 0: ``indices`` and ``values``, ``[batch, most active]``, at least 1 wide."""
    width = max(1, *(len(vector) for vector in vectors))
    indices = np.full((len(vectors), width), -1, dtype=np.int32)
    values = np.zeros((len(vectors), width), dtype=np.float32)
    for row, vector in enumerate(vectors):
        indices[row, : len(vector)] = vector.indices
        values[row, : len(vector)] = vector.values
    return {"indices": indices, "values": values}


def from_dense(outputs: dict[str, NDArray[Any]], most: int | None) -> list[SparseVector]:
    """Take what is not 0 of ``sentence_embedding``, float32 ``[batch, dimension]``, sorted by falling weight.

    Args:
        outputs: The outputs of the graph by name.
        most: How many dimensions to keep of each row, None for all.
    """
    embeddings = outputs["sentence_embedding"]
    return [SparseVector(*strongest(np.flatnonzero(row), row[row != 0], most)) for row in embeddings]


def strongest(indices: NDArray[Any], values: NDArray[Any], most: int | None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep the dimensions of the largest absolute weight, as sentence-transformers does, sorted by falling weight.

    Of equal weights the one that comes first is taken first: where none is negative and all are sorted, a prefix.

    Args:
        indices: The active dimensions.
        values: Their weights.
        most: How many dimensions to keep, None for all.
    """
    if most is not None and len(values) > most:
        kept = np.sort(np.argsort(-np.abs(values), kind="stable")[:most])
        indices, values = indices[kept], values[kept]
    order = np.argsort(-values, kind="stable")
    return indices[order], values[order]


def from_hybrid(outputs: dict[str, NDArray[Any]], most: int | None) -> list[tuple[SparseVector, NDArray[np.float32]]]:
    """Return with each vector of `from_sparse` its row of ``dense``, float32 ``[batch, width]``."""
    return list(zip(from_sparse(outputs, most), outputs[DENSE], strict=True))


def hybrid(rows: Sequence[tuple[SparseVector, NDArray[np.float32]]], width: int) -> Hybrid:
    """Return the vectors of all rows, and their dense embeddings as one array."""
    dense = np.array([embedding for _, embedding in rows], np.float32).reshape(len(rows), width)
    return [vector for vector, _ in rows], dense


HYBRID: Reader[tuple[SparseVector, NDArray[np.float32]]] = (("indices", "values", DENSE), from_hybrid)
OUTPUTS: dict[str, Reader[SparseVector]] = {
    "sparse": (("indices", "values"), from_sparse),
    "dense": (("sentence_embedding",), from_dense),
}
