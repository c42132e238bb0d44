"""What a precision promises, and whether a graph keeps it; the distance itself is the client's."""

from __future__ import annotations

from collections.abc import Sequence

from sparse_client.bundle.facts import Distance, Ranked, Tolerance
from sparse_client.errors import BundleError
from sparse_client.parity.distance import TOLERANCES, distance
from sparse_client.vectors import SparseVector
from sparse_export.errors import ParityError
from sparse_export.options import Precision

ROOM = 0.005


def compare(
    expected: Sequence[SparseVector],
    actual: Sequence[SparseVector],
    precision: Precision = Precision.FP32,
    limit: int | None = None,
) -> Distance:
    """Return the distance between vectors of PyTorch and of a graph, see `sparse_client.parity.distance.distance`.

    Raises:
        ParityError: If every text is empty on both sides.
    """
    try:
        return distance(expected, actual, precision, limit)
    except BundleError as error:
        raise ParityError(f"{error}.") from error


def tolerance_of(reports: Sequence[Distance]) -> Ranked:
    """Return what a bundle promises whose ranking decided: its vectors as they were found to be, and some room.

    The room is for other processors, whose float arithmetic rounds otherwise and may exchange a feature of a text.
    """
    return Ranked(
        mean_cosine=round(min(report.mean_cosine for report in reports) - ROOM, 4),
        worst_cosine=round(min(report.worst_cosine for report in reports) - 4 * ROOM, 4),
        overlap=round(min(report.overlap for report in reports) - ROOM, 4),
    )


def check(reports: dict[str, Distance], precision: Precision, promise: Tolerance | None = None) -> None:
    """Check reports by name against the promise of a precision, or another one.

    Raises:
        ParityError: If a report misses it; the text lists every miss.
    """
    promise = promise or TOLERANCES[precision]
    missed = [f"{name}: {miss}" for name, report in reports.items() for miss in report.misses(promise)]
    if missed:
        raise ParityError(f"The {precision} graph differs from PyTorch by more than it may: {'; '.join(missed)}.")
