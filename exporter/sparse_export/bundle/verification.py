"""Verify a bundle with the client: what it finds is what a client would get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sparse_client.bundle.facts import Distance
from sparse_client.errors import SparseClientError
from sparse_client.parity import replay
from sparse_export.errors import BundleError, ParityError


def verify(bundle: Path) -> Mapping[str, Distance]:
    """Replay a bundle's golden vectors and compare its checksums, as `sparse_client.verify`; needs no torch.

    Args:
        bundle: Folder of the bundle.

    Returns:
        The distance from PyTorch by route.

    Raises:
        BundleError: If the bundle cannot be opened or run: a file is missing, changed or outside of it, the format is
            newer, or a graph does not give what the manifest says.
        ParityError: If a token id or a vector differs from PyTorch's, or the manifest contradicts the graphs.
    """
    try:
        report = replay.verify(bundle)
    except SparseClientError as error:
        raise BundleError(f"{error}.") from error
    if not report.passed:
        misses = "; ".join(report.misses)
        raise ParityError(f"The {report.precision} graph differs from PyTorch by more than it may: {misses}.")
    return report.distances
