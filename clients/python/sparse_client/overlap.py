"""What two vectors have in common: which dimensions make the score, and how much of it each."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparse_client.errors import InputError
from sparse_client.vectors import SparseVector


class Contribution(NamedTuple):
    """What one dimension adds to the score of a query and a document.

    Attributes:
        label: The token; `feature 123` where dimensions are no tokens.
        contribution: Product of the two weights, more than 0.
        share: Part of the sum of all positive contributions, from 0 to 1. That sum is the score
            unless some weights are negative: the score is smaller then, and no share of it would stay below 1.
    """

    label: str
    contribution: float
    share: float


def feature_labels(dimensions: NDArray[np.int32]) -> list[str]:
    """Name dimensions that are no tokens."""
    return [f"feature {dimension}" for dimension in dimensions.tolist()]


def overlap(
    query: SparseVector, document: SparseVector, top: int | None
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Multiply the weights of shared dimensions and keep what is positive, as sentence-transformers' `intersection`.

    Args:
        query: The one vector.
        document: The other.
        top: How many dimensions to return, None for all; shares are of all of them anyway.

    Returns:
        Dimensions, contributions and shares, by falling contribution.

    Raises:
        InputError: If `top` is negative.
    """
    if top is not None and top < 0:
        raise InputError(f"top is {top}, expected 0 or more")
    shared, mine, theirs = np.intersect1d(query.indices, document.indices, assume_unique=True, return_indices=True)
    products = query.values[mine].astype(np.float64) * document.values[theirs].astype(np.float64)
    order = np.argsort(-products, kind="stable")[: np.count_nonzero(products > 0)]
    shares = products[order] / products[order].sum()
    return shared[order][:top], products[order][:top], shares[:top]
