"""How far two sets of sparse vectors are apart, and how far they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from sparse_export.errors import ParityError
from sparse_export.options import Precision
from sparse_export.rows import Row

TOP = 64
FAINT = 1e-4  # a weight that may come and go by rounding


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a precision promises; None promises nothing of the kind."""

    max_difference: float | None = None
    mean_cosine: float | None = None
    worst_cosine: float | None = None
    overlap: float | None = None


TOLERANCES = {
    Precision.FP32: Tolerance(max_difference=1e-4),
    Precision.FP16: Tolerance(max_difference=2e-2),
    Precision.INT8: Tolerance(mean_cosine=0.995, worst_cosine=0.98, overlap=0.95),
}


@dataclass(frozen=True, slots=True)
class Parity:
    """The distance between PyTorch and a graph over some texts.

    Attributes:
        texts: Number of texts.
        max_difference: Largest difference of a weight.
        mean_cosine: Mean cosine similarity of a text's two vectors.
        worst_cosine: Smallest cosine similarity.
        overlap: Mean share of the `TOP` strongest dimensions of PyTorch that are among those of the graph.
        stray: Dimensions active on one side only, with a weight of `FAINT` or more.
        reference_active: Mean number of active dimensions in PyTorch.
        active: Mean number of active dimensions of the graph.
    """

    texts: int
    max_difference: float
    mean_cosine: float
    worst_cosine: float
    overlap: float
    stray: int
    reference_active: float
    active: float

    def as_dict(self) -> dict[str, float]:
        """Return the fields as JSON has them."""
        return asdict(self)


def compare(expected: Sequence[Row], actual: Sequence[Row], limit: int | None = None) -> Parity:
    """Compare two lists of rows of the same texts; a row that is empty on both sides is equal.

    Args:
        expected: Rows of PyTorch.
        actual: Rows of a graph.
        limit: `max_active_dims` of both. What a full row cut away weighs at most as much as the least that it kept;
            so much of the other side's weight is no difference, because nobody knows better.
    """
    pairs = list(zip(expected, actual, strict=True))
    known = [_known(*pair, limit) for pair in pairs]
    cosines = [_cosine(*sides) for sides in known]
    return Parity(
        texts=len(pairs),
        max_difference=max((float(np.abs(left - right).max(initial=0.0)) for left, right in known), default=0.0),
        mean_cosine=float(np.mean(cosines)),
        worst_cosine=float(np.min(cosines)),
        overlap=float(np.mean([_overlap(*pair) for pair in pairs])),
        stray=sum(_stray(*sides) for sides in known),
        reference_active=float(np.mean([len(row.indices) for row in expected])),
        active=float(np.mean([len(row.indices) for row in actual])),
    )


def failures(parity: Parity, precision: Precision) -> list[str]:
    """Return what a report misses of its precision's promise, one sentence each."""
    promise = TOLERANCES[precision]
    found = []
    if promise.max_difference is not None and not parity.max_difference <= promise.max_difference:
        found.append(f"largest difference {parity.max_difference:.2e} is above {promise.max_difference:.0e}")
    for name in ("mean_cosine", "worst_cosine", "overlap"):
        bar, value = getattr(promise, name), getattr(parity, name)
        if bar is not None and not value >= bar:
            found.append(f"{name.replace('_', ' ')} {value:.4f} is below {bar}")
    return found


def check(reports: dict[str, Parity], precision: Precision) -> None:
    """Check reports by name against a precision's promise.

    Raises:
        ParityError: A report misses it; the text lists every miss.
    """
    missed = [f"{name}: {failure}" for name, parity in reports.items() for failure in failures(parity, precision)]
    if missed:
        raise ParityError(f"The {precision} graph differs from PyTorch by more than it may: {'; '.join(missed)}.")


def _aligned(one: Row, other: Row) -> tuple[np.ndarray, np.ndarray]:
    """Return both rows' weights over the union of their dimensions."""
    union = np.union1d(one.indices, other.indices)
    weights = np.zeros((2, len(union)))
    for side, row in zip(weights, (one, other), strict=True):
        side[np.searchsorted(union, row.indices)] = row.values
    return weights[0], weights[1]


def _known(one: Row, other: Row, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return both rows' weights over the union of their dimensions; see `compare` for the limit."""
    left, right = _aligned(one, other)
    return _uncut(left, one, right, limit), _uncut(right, other, left, limit)


def _uncut(weights: np.ndarray, row: Row, others: np.ndarray, limit: int | None) -> np.ndarray:
    if limit is None or len(row.indices) < limit:
        return weights
    return np.where(weights == 0, np.minimum(others, row.values.min()), weights)


def _cosine(left: np.ndarray, right: np.ndarray) -> float:
    norms = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / norms) if norms else float(not left.any() and not right.any())


def _overlap(one: Row, other: Row) -> float:
    wanted = set(one.indices[:TOP].tolist())
    return len(wanted & set(other.indices[:TOP].tolist())) / len(wanted) if wanted else float(not len(other.indices))


def _stray(left: np.ndarray, right: np.ndarray) -> int:
    return int(np.count_nonzero(((left == 0) != (right == 0)) & (np.abs(left - right) >= FAINT)))
