"""The limit: how long the matrix products of a bundle would take at this machine's measured peak."""

import json
from collections.abc import Iterable
from pathlib import Path

import gemm
from contender import Contender
from profile_graph import make_batches, profile, session_options


def hidden_size(checkpoint: Path) -> int:
    """Return the width of a checkpoint's hidden states."""
    config = json.loads((checkpoint / "config.json").read_text("utf-8"))
    size: int = config.get("hidden_size") or config["dim"]
    return size


def machine_peaks(widths: Iterable[int], threads: int | None) -> dict[str, float]:
    """Return the most operations a second of ONNX Runtime's matrix products, for each of `gemm.KINDS`.

    Args:
        widths: hidden sizes of the models, whose products are tried beside large squares.
        threads: of a product; None is ONNX Runtime's default.
    """
    products = {product for width in widths for product in gemm.products_for(width)}
    settings = session_options(threads)
    return {kind: max(gemm.measure(kind, product, settings) for product in products) for kind in gemm.KINDS}


def ideal_seconds(bundle: Contender, texts: list[str], peaks: dict[str, float]) -> float:
    """Return the seconds that a document graph's products with weights would take at the peak of their kind."""
    shares = profile(bundle.path, make_batches(bundle.path, texts, bundle.batch_size), bundle.threads)
    return sum(share.flops / peaks[share.kind] for share in shares)
