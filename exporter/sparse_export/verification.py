"""Replay a bundle: checksums, tokenizer, graphs. Needs neither torch nor the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import Tokenizer

from sparse_export import decoding, golden, manifest, parity
from sparse_export.errors import BundleError, SparseExportError, one_line
from sparse_export.golden import Golden
from sparse_export.options import Precision
from sparse_export.parity import Parity
from sparse_export.runtime import EncoderGraph
from sparse_export.tokenizer import token_labels

Loaded = TypeVar("Loaded")


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
    if content["precision"] not in list(Precision):
        raise BundleError(f"'{bundle}' has the precision {content['precision']!r}; known are {', '.join(Precision)}.")
    by_route = _vectors(bundle, content)
    names = {content["routes"][route]["graph"] for route in by_route}
    exact = manifest.saturates(content)
    graphs = {name: _loaded(lambda path: EncoderGraph(path, exact), bundle / name) for name in names}
    reports = {}
    for route, vectors in by_route.items():
        entry = content["routes"][route]
        if entry.get("tokenizer"):
            _check_tokens(bundle, entry, vectors)
        reports[route] = _replay(graphs[entry["graph"]], vectors, content.get("max_active_dims"))
        # Only the document graph has a precision to choose; a look-up has no product to round.
        shared = entry["graph"] == content["routes"]["document"]["graph"]
        parity.check({route: reports[route]}, Precision(content["precision"]) if shared else Precision.FP32)
    if decoding.FILE in content["files"]:
        _check_decoder(bundle, content, next(iter(by_route.values())))
    return reports


def _check_tokens(bundle: Path, route: dict[str, Any], vectors: Sequence[Golden]) -> None:
    tokenizer = _tokenizer(bundle, route)
    for vector in vectors:
        text, special = route["prompt"] + vector.text, route.get("add_special_tokens", True)
        if tokenizer.encode(text, add_special_tokens=special).ids != vector.input_ids:
            raise BundleError(f"{route['tokenizer']} gives other token ids than PyTorch for {vector.text[:40]!r}.")


def _check_decoder(bundle: Path, content: dict[str, Any], vectors: Sequence[Golden]) -> None:
    document = content["routes"]["document"]
    labels = token_labels(_tokenizer(bundle, document), content["dimension"]) if document.get("tokenizer") else []
    try:
        decoding.check(bundle / decoding.FILE, vectors, labels)
    except SparseExportError:
        raise
    except Exception as error:  # ONNX Runtime has errors of its own
        raise BundleError(f"'{bundle / decoding.FILE}' cannot be run: {one_line(error)}") from error


def _tokenizer(bundle: Path, route: dict[str, Any]) -> Tokenizer:
    return _loaded(lambda path: Tokenizer.from_file(str(path)), bundle / route["tokenizer"])


def _vectors(bundle: Path, content: dict[str, Any]) -> dict[str, list[Golden]]:
    if golden.FILE not in content["files"]:
        raise BundleError(f"'{bundle}' has no {golden.FILE} among its files, so nothing can be replayed.")
    found: dict[str, list[Golden]] = {}
    for vector in golden.read(bundle / golden.FILE):
        found.setdefault(vector.route, []).append(vector)
    if not found:
        raise BundleError(f"'{bundle}' has no golden vectors, so nothing can be replayed.")
    unknown = sorted(found.keys() - content["routes"].keys())
    if unknown:
        raise BundleError(f"'{bundle}' has golden vectors of the route {unknown[0]!r}, which its manifest lacks.")
    return dict(sorted(found.items()))


def _loaded(load: Callable[[Path], Loaded], path: Path) -> Loaded:
    try:
        return load(path)
    except Exception as error:  # ONNX Runtime and tokenizers have errors of their own
        raise BundleError(f"'{path}' cannot be loaded: {one_line(error)}") from error


def _replay(graph: EncoderGraph, vectors: Sequence[Golden], limit: int | None) -> Parity:
    actual = []
    for vector in vectors:
        try:
            actual.append(graph.run(vector.inputs())[0])
        except Exception as error:  # inputs or outputs of other names, or an id that the graph has no row for
            raise BundleError(f"A graph of the bundle cannot be run: {one_line(error)}") from error
    return parity.compare([vector.row for vector in vectors], actual, limit)
