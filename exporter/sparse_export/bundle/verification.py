"""Replay a bundle as a client reads it: checksums, tokenizers, graphs. Needs neither torch nor the checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import Tokenizer

from sparse_export.bundle.writing import manifest
from sparse_export.checkpoint.tokenizer import token_labels
from sparse_export.errors import BundleError, SparseExportError, one_line
from sparse_export.options import Precision
from sparse_export.parity import decoding, distance, golden
from sparse_export.parity.distance import Parity, Tolerance
from sparse_export.parity.golden import Golden
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.plan import query_table
from sparse_export.rows import Row

Loaded = TypeVar("Loaded")
# What a graph must take and give, by what the manifest calls its input and output.
INPUTS = {"tokens": ["input_ids", "attention_mask"], "embedding": ["embedding"]}
OUTPUTS = {"sparse": ["indices", "values"], "dense": ["sentence_embedding"]}
# Two routes that agree in these are one: bundles of earlier versions have golden vectors of documents alone then.
SAME_ROUTE = ("graph", "tokenizer", "prompt", "max_length", "add_special_tokens")


def verify(bundle: Path) -> dict[str, Parity]:
    """Check a bundle against its own golden vectors.

    Args:
        bundle: Folder of the bundle.

    Returns:
        A report for each route that has golden vectors.

    Raises:
        BundleError: A file is missing, changed or outside the bundle, the format is newer, a token id differs, or the
            manifest says of a graph what it is not.
        ParityError: A vector differs from PyTorch's by more than the precision promises.
    """
    content = manifest.read(bundle)
    limit = content.get("max_active_dims")
    _check_copies(content)
    by_route = _vectors(bundle, content)
    exact = manifest.saturates(content)
    graphs = {name: _loaded(lambda path: EncoderGraph(path, exact), bundle / name) for name in _graphs(content)}
    reports = {}
    for route, vectors in by_route.items():
        entry = content["routes"][route]
        precision = _precision(bundle, content, route)
        _check_graph(bundle / entry["graph"], graphs[entry["graph"]], content, limit)
        _check_rows(route, vectors, content["dimension"], limit)
        if entry.get("tokenizer"):
            _check_tokens(bundle, entry, vectors)
        rows = [_run(bundle / entry["graph"], graphs[entry["graph"]], vector) for vector in vectors]
        reports[route] = distance.compare([vector.row for vector in vectors], rows, precision, limit)
        # Where ranking was judged, the vectors keep what they were found to be.
        judged = "tolerance" in content and precision is Precision.INT8
        distance.check({route: reports[route]}, precision, Tolerance(**content["tolerance"]) if judged else None)
    if query_table.TENSORS in content["files"]:
        _check_table(bundle, by_route["query"], limit)
    if decoding.FILE in content["files"]:
        _check_decoder(bundle, content, by_route["document"])
    return reports


def _graphs(content: dict[str, Any]) -> set[str]:
    return {entry["graph"] for entry in content["routes"].values()}


def _precision(bundle: Path, content: dict[str, Any], route: str) -> Precision:
    """Return whose promise a route keeps. In bundles of earlier versions a second graph is always a look-up."""
    shared = content["routes"][route]["graph"] == content["routes"]["document"]["graph"]
    found = content["routes"][route].get("precision", content["precision"] if shared else Precision.FP32)
    for one in (content["precision"], found):
        if one not in list(Precision):
            raise BundleError(f"'{bundle}' has the precision {one!r}; known are {', '.join(Precision)}.")
    return Precision(found)


def _check_copies(content: dict[str, Any]) -> None:
    """Check what the manifest says twice: for the bundle, and for each route."""
    routes = content["routes"]
    copies = {
        "prompts": {name: entry.get("prompt") for name, entry in routes.items()},
        "max_length": routes["document"].get("max_length"),
    }
    for name, said in copies.items():
        if name in content and content[name] != said:
            raise BundleError(f"The manifest says {name} {content[name]!r}, but its routes say {said!r}.")


def _check_graph(path: Path, graph: EncoderGraph, content: dict[str, Any], limit: int | None) -> None:
    """Check that a graph is what the manifest says of it."""
    for what, known, found in (("input", INPUTS, graph.inputs), ("output", OUTPUTS, graph.outputs)):
        said = content.get(what, next(iter(known)))
        if known.get(said) != found:
            raise BundleError(f"'{path}' cannot be run: the manifest says {what} {said!r}, but it has {found}.")
    said_of = {"dimension": str(content["dimension"]), "max_active_dims": str(limit or "none")}
    for name, said in said_of.items():
        if name in graph.facts and graph.facts[name] != said:
            raise BundleError(f"The manifest says {name} {said}, but {path.name} was written with {graph.facts[name]}.")


def _check_rows(route: str, vectors: Sequence[Golden], dimension: int, limit: int | None) -> None:
    for vector in vectors:
        indices = vector.row.indices
        if len(indices) and not 0 <= indices.min() <= indices.max() < dimension:
            raise BundleError(
                f"A golden vector of the {route} route has the index {indices.max()}; dimension is {dimension}."
            )
        if limit is not None and len(indices) > limit:
            raise BundleError(
                f"A golden vector of the {route} route has {len(indices)} active dimensions; "
                f"max_active_dims is {limit}."
            )


def _check_tokens(bundle: Path, route: dict[str, Any], vectors: Sequence[Golden]) -> None:
    tokenizer = _tokenizer(bundle, route)
    for vector in vectors:
        text, special = route["prompt"] + vector.text, route.get("add_special_tokens", True)
        if tokenizer.encode(text, add_special_tokens=special).ids != vector.input_ids:
            raise BundleError(
                f"{route['tokenizer']} gives other token ids than PyTorch for {vector.text[:40]!r}, with prompt, "
                "max_length and add_special_tokens as the manifest says."
            )


def _check_table(bundle: Path, vectors: Sequence[Golden], limit: int | None) -> None:
    """Check the table that clients look up in place of the graph of queries."""
    weights = _loaded(query_table.read_weights, bundle / query_table.TENSORS)
    rows = [query_table.look_up(weights, vector.input_ids, limit) for vector in vectors]
    report = distance.compare([vector.row for vector in vectors], rows, Precision.FP32, limit)
    distance.check({query_table.TENSORS: report}, Precision.FP32)


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
    """Return the tokenizer of a route, truncating as the manifest says, whatever its file says."""
    tokenizer = _loaded(lambda path: Tokenizer.from_file(str(path)), bundle / route["tokenizer"])
    if route.get("max_length") is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(**{**(tokenizer.truncation or {}), "max_length": route["max_length"]})
    return tokenizer


def _vectors(bundle: Path, content: dict[str, Any]) -> dict[str, list[Golden]]:
    if golden.FILE not in content["files"]:
        raise BundleError(f"'{bundle}' has no {golden.FILE} among its files, so nothing can be replayed.")
    found: dict[str, list[Golden]] = {}
    for vector in golden.read(bundle / golden.FILE):
        found.setdefault(vector.route, []).append(vector)
    if not found:
        raise BundleError(f"'{bundle}' has no golden vectors, so nothing can be replayed.")
    routes = content["routes"]
    unknown = sorted(found.keys() - routes.keys())
    if unknown:
        raise BundleError(f"'{bundle}' has golden vectors of the route {unknown[0]!r}, which its manifest lacks.")
    for route in sorted(routes.keys() - found.keys()):
        if route == "document" or any(routes[route].get(key) != routes["document"].get(key) for key in SAME_ROUTE):
            raise BundleError(f"'{bundle}' has no golden vectors of the route {route!r}, so it cannot be replayed.")
    return dict(sorted(found.items()))


def _loaded(load: Callable[[Path], Loaded], path: Path) -> Loaded:
    try:
        return load(path)
    except Exception as error:  # ONNX Runtime and tokenizers have errors of their own
        raise BundleError(f"'{path}' cannot be loaded: {one_line(error)}") from error


def _run(path: Path, graph: EncoderGraph, vector: Golden) -> Row:
    try:
        return graph.run(vector.inputs())[0]
    except Exception as error:  # inputs or outputs of other names, or an id that the graph has no row for
        raise BundleError(f"'{path}' cannot be run: {one_line(error)}") from error
