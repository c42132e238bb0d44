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
ROOM = 0.005
# How far rounding moves a weight, so that two dimensions at the cut change places. An int8 error is no rounding.
CUT_ROUNDING = {Precision.FP32: 1e-5, Precision.FP16: 1e-3, Precision.INT8: 0.0}


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

    Texts that are empty on both sides have nothing to compare: they count in `empty` and in no mean.

    Attributes:
        texts: Number of texts.
        empty: Texts whose vectors are empty on both sides.
        max_difference: Largest difference of a weight; ties at the cut are left out.
        cut_ties: Dimensions that only one side has because the other side's row is full, and that weigh as much as
            the least weight which that row kept, up to rounding. See `compare`.
        mean_cosine: Mean cosine similarity of a text's two vectors.
        worst_cosine: Smallest cosine similarity.
        overlap: Mean share of PyTorch's k strongest dimensions that are among the graph's k strongest: k is `TOP`, or
            the number of dimensions that PyTorch has.
        stray: Dimensions active on one side only, with a weight of `FAINT` or more, ties at the cut left out.
        reference_active: Mean number of active dimensions in PyTorch.
        active: Mean number of active dimensions of the graph.
    """

    texts: int
    empty: int
    max_difference: float
    cut_ties: int
    mean_cosine: float
    worst_cosine: float
    overlap: float
    stray: int
    reference_active: float
    active: float

    def as_dict(self) -> dict[str, float]:
        """Return the fields as JSON has them."""
        return asdict(self)


def compare(
    expected: Sequence[Row], actual: Sequence[Row], precision: Precision = Precision.FP32, limit: int | None = None
) -> Parity:
    """Compare two lists of rows of the same texts.

    Args:
        expected: Rows of PyTorch.
        actual: Rows of a graph.
        precision: Says how far rounding moves a weight: see `CUT_ROUNDING`.
        limit: `max_active_dims` of both. Of two dimensions that are equal but for rounding, one side may keep the one
            and the other side the other. That moves a whole weight, so it counts in `cut_ties`, not in
            `max_difference`. Cosine and overlap are those of the vectors as they are.

    Raises:
        ParityError: Every text is empty on both sides.
    """
    pairs = [
        (one, other) for one, other in zip(expected, actual, strict=True) if len(one.indices) or len(other.indices)
    ]
    if not pairs:
        raise ParityError(f"All of {len(expected)} texts have empty vectors, so there is nothing to compare.")
    aligned, rounding = [_aligned(*pair) for pair in pairs], CUT_ROUNDING[precision]
    ties = [_cut_ties(pair, sides, limit, rounding) for pair, sides in zip(pairs, aligned, strict=True)]
    untied = [(left[~tie], right[~tie]) for (left, right), tie in zip(aligned, ties, strict=True)]
    cosines = [_cosine(*sides) for sides in aligned]
    return Parity(
        texts=len(expected),
        empty=len(expected) - len(pairs),
        max_difference=max(float(np.abs(left - right).max(initial=0.0)) for left, right in untied),
        cut_ties=sum(int(tie.sum()) for tie in ties),
        mean_cosine=float(np.mean(cosines)),
        worst_cosine=float(np.min(cosines)),
        overlap=float(np.mean([_overlap(*pair) for pair in pairs])),
        stray=sum(_stray(*sides) for sides in untied),
        reference_active=float(np.mean([len(row.indices) for row in expected])),
        active=float(np.mean([len(row.indices) for row in actual])),
    )


def tolerance_of(reports: Sequence[Parity]) -> dict[str, float]:
    """Return what a bundle whose ranking was judged promises of its vectors: what they were found to be, and some room.

    The room is for other processors, whose float arithmetic rounds otherwise and may exchange a feature of a text.
    """
    return {
        "mean_cosine": round(min(report.mean_cosine for report in reports) - ROOM, 4),
        "worst_cosine": round(min(report.worst_cosine for report in reports) - 4 * ROOM, 4),
        "overlap": round(min(report.overlap for report in reports) - ROOM, 4),
    }


def failures(parity: Parity, promise: Tolerance) -> list[str]:
    """Return what a report misses of a promise, one sentence each."""
    found = []
    if promise.max_difference is not None and not parity.max_difference <= promise.max_difference:
        found.append(f"largest difference {parity.max_difference:.2e} is above {promise.max_difference:.0e}")
    for name in ("mean_cosine", "worst_cosine", "overlap"):
        bar, value = getattr(promise, name), getattr(parity, name)
        if bar is not None and not value >= bar:
            found.append(f"{name.replace('_', ' ')} {value:.4f} is below {bar}")
    return found


def check(reports: dict[str, Parity], precision: Precision, promise: Tolerance | None = None) -> None:
    """Check reports by name against the promise of a precision, or another one.

    Raises:
        ParityError: A report misses it; the text lists every miss.
    """
    promise = promise or TOLERANCES[precision]
    missed = [f"{name}: {failure}" for name, parity in reports.items() for failure in failures(parity, promise)]
    if missed:
        raise ParityError(f"The {precision} graph differs from PyTorch by more than it may: {'; '.join(missed)}.")


def _aligned(one: Row, other: Row) -> tuple[np.ndarray, np.ndarray]:
    """Return both rows' weights over the union of their dimensions."""
    union = np.union1d(one.indices, other.indices)
    weights = np.zeros((2, len(union)))
    for side, row in zip(weights, (one, other), strict=True):
        side[np.searchsorted(union, row.indices)] = row.values
    return weights[0], weights[1]


def _cut_ties(
    pair: tuple[Row, Row], sides: tuple[np.ndarray, np.ndarray], limit: int | None, rounding: float
) -> np.ndarray:
    """Return bool `[union]`: the dimensions that a full row lacks by rounding alone."""
    (one, other), (left, right) = pair, sides
    return _cut_by(one, left, right, limit, rounding) | _cut_by(other, right, left, limit, rounding)


def _cut_by(row: Row, weights: np.ndarray, others: np.ndarray, limit: int | None, rounding: float) -> np.ndarray:
    if limit is None or len(row.indices) < limit:
        return np.zeros(len(weights), bool)
    return (weights == 0) & (np.abs(others - row.values.min()) < rounding)


def _cosine(left: np.ndarray, right: np.ndarray) -> float:
    norms = np.linalg.norm(left) * np.linalg.norm(right)
    return float(left @ right / norms) if norms else 0.0  # one of them is empty


def _overlap(one: Row, other: Row) -> float:
    count = min(TOP, len(one.indices))
    wanted, found = (set(row.indices[:count].tolist()) for row in (one, other))
    return len(wanted & found) / count if count else 0.0  # one of them is empty


def _stray(left: np.ndarray, right: np.ndarray) -> int:
    return int(np.count_nonzero(((left == 0) != (right == 0)) & (np.abs(left - right) >= FAINT)))
