"""What a graph gives, as vectors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparse_client.vectors import SparseVector


def from_sparse(outputs: dict[str, NDArray[Any]], most: int | None) -> list[SparseVector]:
    """Drop the padding of ``indices`` and ``values``, ``[batch, active]``, sorted by falling weight.

    Args:
        outputs: The outputs of the graph by name.
        most: How many dimensions to keep of each row, None for all.
    """
    counts = (outputs["indices"] >= 0).sum(axis=1)
    rows = zip(outputs["indices"], outputs["values"], counts, strict=True)
    return [SparseVector(indices[:count][:most], values[:count][:most]) for indices, values, count in rows]


def from_dense(outputs: dict[str, NDArray[Any]], most: int | None) -> list[SparseVector]:
    """Take what is not 0 of ``sentence_embedding``, float32 ``[batch, dimension]``, sorted by falling weight.

    Args:
        outputs: The outputs of the graph by name.
        most: How many dimensions to keep of each row, None for all.
    """
    vectors = [SparseVector(np.flatnonzero(row), row[row != 0]) for row in outputs["sentence_embedding"]]
    return [vector.top(len(vector) if most is None else most) for vector in vectors]


OUTPUTS = {
    "sparse": (("indices", "values"), from_sparse),
    "dense": (("sentence_embedding",), from_dense),
}
