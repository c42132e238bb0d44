"""How far a client's vectors are from PyTorch's, and how far they may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparse_client.vectors import SparseVector

TOP = 64
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a precision promises; None promises nothing of the kind."""

    max_difference: float | None = None
    mean_cosine: float | None = None
    worst_cosine: float | None = None
    overlap: float | None = None


# What the exporter holds a bundle to before it writes it.
TOLERANCES = {
    "fp32": Tolerance(max_difference=1e-4),
    "fp16": Tolerance(max_difference=2e-2),
    "int8": Tolerance(mean_cosine=0.995, worst_cosine=0.98, overlap=0.95),
}


@dataclass(frozen=True, slots=True)
class Distance:
    """The distance between two lists of vectors of the same texts.

    Attributes:
        texts: Number of texts.
        max_difference: Largest difference of a weight.
        mean_cosine: Mean cosine similarity of a text's two vectors.
        worst_cosine: Smallest cosine similarity.
        overlap: Mean share of the 64 strongest expected dimensions that are among the 64 strongest found.
    """

    texts: int
    max_difference: float
    mean_cosine: float
    worst_cosine: float
    overlap: float

    def misses(self, tolerance: Tolerance) -> list[str]:
        """Return what is worse than it may be, one sentence each."""
        found = []
        if (most := tolerance.max_difference) is not None and not self.max_difference <= most:
            found.append(f"largest difference {self.max_difference:.2e} is above {most:.0e}")
        for name in ("mean_cosine", "worst_cosine", "overlap"):
            bar, value = getattr(tolerance, name), getattr(self, name)
            if bar is not None and not value >= bar:
                found.append(f"{name.replace('_', ' ')} {value:.4f} is below {bar}")
        return found


def distance(expected: Sequence[SparseVector], found: Sequence[SparseVector], limit: int | None) -> Distance:
    """Compare two lists of vectors of the same texts.

    Args:
        expected: PyTorch's, at least one.
        found: The client's.
        limit: `max_active_dims` of both. What a full vector cut away weighs at most as much as the least that it kept,
            so that much of the other side's weight is no difference: nobody knows better.
    """
    pairs = list(zip(expected, found, strict=True))
    known = [_known(*pair, limit) for pair in pairs]
    cosines = [_cosine(*sides) for sides in known]
    return Distance(
        texts=len(pairs),
        max_difference=max(float(np.abs(left - right).max(initial=0.0)) for left, right in known),
        mean_cosine=float(np.mean(cosines)),
        worst_cosine=min(cosines),
        overlap=float(np.mean([_overlap(*pair) for pair in pairs])),
    )


def _known(one: SparseVector, other: SparseVector, limit: int | None) -> tuple[Weights, Weights]:
    union = np.union1d(one.indices, other.indices)
    left, right = (_spread(vector, union) for vector in (one, other))
    return _uncut(left, one, right, limit), _uncut(right, other, left, limit)


def _spread(vector: SparseVector, dimensions: NDArray[np.int32]) -> Weights:
    weights = np.zeros(len(dimensions))
    weights[np.searchsorted(dimensions, vector.indices)] = vector.values
    return weights


def _uncut(weights: Weights, vector: SparseVector, others: Weights, limit: int | None) -> Weights:
    if limit is None or len(vector) < limit:
        return weights
    return np.where(weights == 0, np.minimum(others, vector.values.min()), weights)


def _cosine(left: Weights, right: Weights) -> float:
    norms = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / norms) if norms else float(not left.any() and not right.any())


def _overlap(one: SparseVector, other: SparseVector) -> float:
    wanted = set(one.top(TOP).indices.tolist())
    return len(wanted & set(other.top(TOP).indices.tolist())) / len(wanted) if wanted else float(not len(other))
