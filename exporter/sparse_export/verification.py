"""Replay a bundle: checksums, tokenizer, graphs. Needs neither torch nor the checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from sparse_export import golden, manifest, parity
from sparse_export.errors import BundleError
from sparse_export.options import Precision
from sparse_export.parity import Parity
from sparse_export.runtime import EncoderGraph


def verify(bundle: Path) -> dict[str, Parity]:
    """Check a bundle against its own golden vectors.

    Args:
        bundle: Folder of the bundle.

    Returns:
        A report for each route that has golden vectors.

    Raises:
        BundleError: A file is missing, changed or outside the bundle, the format is newer, or a token id differs.
        ParityError: A vector differs from PyTorch's by more than the precision promises.
    """
    content = manifest.read(bundle)
    precision = Precision(content["precision"])
    vectors = list(golden.read(bundle / golden.FILE))
    if not vectors:
        raise BundleError(f"'{bundle}' has no golden vectors.")
    graphs: dict[str, EncoderGraph] = {}
    reports = {}
    for route in sorted({vector.route for vector in vectors}):
        entry = content["routes"][route]
        graph = graphs.setdefault(entry["graph"], EncoderGraph(bundle / entry["graph"]))
        tokenizer = Tokenizer.from_file(str(bundle / entry["tokenizer"]))
        own = [vector for vector in vectors if vector.route == route]
        actual = []
        for vector in own:
            encoding = tokenizer.encode(entry["prompt"] + vector.text)
            if encoding.ids != vector.input_ids:
                raise BundleError(f"{entry['tokenizer']} gives other token ids than PyTorch for {vector.text[:40]!r}.")
            ids = np.array([encoding.ids], np.int64).reshape(1, -1)
            actual.append(graph.run(ids, np.ones_like(ids))[0])
        reports[route] = parity.compare([vector.row for vector in own], actual)
    parity.check(reports, precision)
    return reports
