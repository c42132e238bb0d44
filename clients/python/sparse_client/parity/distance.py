"""How far a client's vectors are from PyTorch's, and how far they may be."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.facts import Distance, Tolerance
from sparse_client.errors import BundleError
from sparse_client.vectors import SparseVector

TOP = 64
FAINT = 1e-4  # a weight that may come and go by rounding
Weights = NDArray[np.float64]


# What the exporter holds a bundle to before it writes it.
TOLERANCES = {
    "fp32": Tolerance(max_difference=1e-4),
    "fp16": Tolerance(max_difference=2e-2),
    "int8": Tolerance(mean_cosine=0.995, worst_cosine=0.98, overlap=0.95),
}
# Of dense embeddings, whose strongest dimensions mean nothing by themselves.
DENSE_TOLERANCES = {name: replace(tolerance, overlap=None) for name, tolerance in TOLERANCES.items()}
# How far rounding moves a weight, so that two dimensions at the cut change places. An int8 error is not rounding.
CUT_ROUNDING = {"fp32": 1e-5, "fp16": 1e-3, "int8": 0.0}


def distance(
    expected: Sequence[SparseVector], found: Sequence[SparseVector], precision: str, limit: int | None
) -> Distance:
    """Compare two lists of vectors of the same texts.

    Args:
        expected: PyTorch's.
        found: The client's.
        precision: Says how far rounding moves a weight: see `CUT_ROUNDING`.
        limit: `max_active_dims` of both. Of two dimensions that are equal but for rounding, one side may keep the one
            and the other side the other. That moves a whole weight, so it counts in `cut_ties`, not in
            `max_difference`. Cosine and overlap are those of the vectors as they are.

    Raises:
        BundleError: If every vector is empty on both sides.
    """
    pairs = [pair for pair in zip(expected, found, strict=True) if any(len(vector) for vector in pair)]
    if not pairs:
        raise BundleError(f"All of {len(expected)} texts have empty vectors, so there is nothing to compare")
    aligned, rounding = [_aligned(*pair) for pair in pairs], CUT_ROUNDING[precision]
    ties = [_cut_ties(pair, sides, limit, rounding) for pair, sides in zip(pairs, aligned, strict=True)]
    untied = [(left[~tie], right[~tie]) for (left, right), tie in zip(aligned, ties, strict=True)]
    cosines = [_cosine(*sides) for sides in aligned]
    return Distance(
        texts=len(expected),
        empty=len(expected) - len(pairs),
        max_difference=max(float(np.abs(left - right).max(initial=0.0)) for left, right in untied),
        cut_ties=sum(int(tie.sum()) for tie in ties),
        mean_cosine=float(np.mean(cosines)),
        worst_cosine=min(cosines),
        overlap=float(np.mean([_overlap(*pair) for pair in pairs])),
        stray=sum(_stray(*sides) for sides in untied),
        reference_active=float(np.mean([len(vector) for vector in expected])),
        active=float(np.mean([len(vector) for vector in found])),
    )


def dense_distance(
    expected: Sequence[NDArray[np.float32]], found: Sequence[NDArray[np.float32]], precision: str
) -> Distance:
    """Compare two lists of dense embeddings of the same texts, float32 ``[width]`` each; see `distance`.

    Raises:
        BundleError: If an embedding has another width than the one it is compared with.
    """
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            raise BundleError(f"A dense embedding has the shape {list(other.shape)}, PyTorch's {list(one.shape)}")
    left, right = ([SparseVector(np.arange(len(row)), row) for row in side] for side in (expected, found))
    return distance(left, right, precision, None)


def _aligned(one: SparseVector, other: SparseVector) -> tuple[Weights, Weights]:
    """Return both vectors' weights over the union of their dimensions."""
    union = np.union1d(one.indices, other.indices)
    return _spread(one, union), _spread(other, union)


def _spread(vector: SparseVector, dimensions: NDArray[np.int32]) -> Weights:
    weights = np.zeros(len(dimensions))
    weights[np.searchsorted(dimensions, vector.indices)] = vector.values
    return weights


def _cut_ties(
    pair: tuple[SparseVector, SparseVector], sides: tuple[Weights, Weights], limit: int | None, rounding: float
) -> NDArray[np.bool_]:
    """Return bool ``[union]``: the dimensions that a full vector lacks by rounding alone."""
    (one, other), (left, right) = pair, sides
    return _cut_by(one, left, right, limit, rounding) | _cut_by(other, right, left, limit, rounding)


def _cut_by(
    vector: SparseVector, weights: Weights, others: Weights, limit: int | None, rounding: float
) -> NDArray[np.bool_]:
    if limit is None or len(vector) < limit:
        return np.zeros(len(weights), bool)
    return (weights == 0) & (np.abs(others - vector.values.min()) < rounding)


def _cosine(left: Weights, right: Weights) -> float:
    norms = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / norms) if norms else 0.0  # one of them is empty


def _overlap(one: SparseVector, other: SparseVector) -> float:
    count = min(TOP, len(one))
    wanted, found = (set(vector.top(count).indices.tolist()) for vector in (one, other))
    return len(wanted & found) / count if count else 0.0  # one of them is empty


def _stray(left: Weights, right: Weights) -> int:
    return int(np.count_nonzero(((left == 0) != (right == 0)) & (np.abs(left - right) >= FAINT)))
