"""Verify a bundle with the client's reader and judge: what it finds is what a client would get."""

from __future__ import annotations

from pathlib import Path

from sparse_client.bundle.reader import open_bundle
from sparse_client.errors import SparseClientError
from sparse_client.parity import replay
from sparse_client.parity.golden import Report
from sparse_export.bundle import manifest
from sparse_export.errors import BundleError, ParityError


def verify(bundle: Path) -> Report:
    """Replay a bundle's golden vectors and compare its checksums, as `sparse_client.verify`; needs no torch.

    Args:
        bundle: Folder of the bundle.

    Returns:
        What was found, by route.

    Raises:
        BundleError: If the bundle cannot be opened or run: a file is missing, changed or outside of it, the format is
            newer, or the manifest says of a graph what it is not.
        ParityError: If a token id or a vector differs from PyTorch's, or the manifest contradicts the graphs.
    """
    try:
        report = replay.verify(bundle)
    except SparseClientError as error:
        raise BundleError(f"{error}.") from error
    manifest.check(bundle / manifest.FILE, open_bundle(bundle).manifest)
    if not report.passed:
        misses = "; ".join(report.misses)
        raise ParityError(f"The {report.precision} graph differs from PyTorch by more than it may: {misses}.")
    return report
