"""Replay a bundle's golden vectors in this process."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.encoding import Encoding
from sparse_client.bundle.manifest import MANIFEST
from sparse_client.bundle.outputs import HYBRID, hybrid
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.errors import BundleError
from sparse_client.local import LocalEncoder
from sparse_client.parity.decoder import decoding_misses
from sparse_client.parity.golden import GOLDEN, Golden, Report, compare, golden_by_route
from sparse_client.vectors import SparseVector

Vectors = Mapping[str, Sequence[Golden]]  # by route


def verify(bundle: Path | str, *, providers: Sequence[str] | None = None) -> Report:
    """Check that this client makes of a bundle's golden texts what PyTorch made of them, token ids included.

    Args:
        bundle: The folder of the bundle; the checksums of its files are compared, too.
        providers: As for `LocalEncoder`.

    Raises:
        BundleError: If the bundle is missing, broken, or a route has no golden vectors.

    Example:
        >>> verify("bundle/").passed
        True
    """
    encoder = LocalEncoder(bundle, checksums=True, providers=providers)
    opened = encoder._bundle
    golden = golden_by_route(opened)
    embedded = opened.manifest.input_dim is not None
    report = (_replay_embeddings if embedded else _replay_texts)(opened, encoder, golden)
    wrong = [miss for route in report.distances for miss in _wrong_facts(opened, route, encoder._sessions)]
    # Embeddings are decoded to embeddings.
    label = str if embedded else encoder._encoding.tokenizers.of("document").label
    wrong += decoding_misses(opened, encoder._sessions, golden["document"], label)
    return replace(report, misses=(*wrong, *report.misses))


def _replay_embeddings(bundle: Bundle, encoder: LocalEncoder, golden: Vectors) -> Report:
    encoded = {route: encoder.encode_embeddings(_embeddings(bundle, some)) for route, some in golden.items()}
    return compare(bundle, golden, encoded)


def _embeddings(bundle: Bundle, golden: Sequence[Golden]) -> NDArray[np.float32]:
    rows = [one.embedding for one in golden if one.embedding is not None]
    if len(rows) < len(golden):
        raise BundleError(f"{bundle.path} takes dense embeddings, but {GOLDEN} has none: export the bundle again")
    return np.stack(rows)


def _replay_texts(bundle: Bundle, encoder: LocalEncoder, golden: Vectors) -> Report:
    encoding = encoder._encoding
    ids = {route: encoding.tokenizers.of(route).ids([one.text for one in some]) for route, some in golden.items()}
    encoded, dense = _encoded(bundle, encoding, ids)
    own_ids = {route: [row.tolist() for row in rows] for route, rows in ids.items()}
    report = compare(bundle, golden, encoded, own_ids, dense)
    for route in filter(bundle.manifest.has_table, golden):  # servers run the graph that this client does not need
        pad, graph = encoding.tokenizers.of(route).pad, bundle.manifest.routes[route].graph
        by_graph = [encoding.outputs(graph, pad([row]), encoding.reader)[0] for row in ids[route]]
        missed = compare(bundle, golden, {route: by_graph}).misses
        report = replace(report, misses=(*report.misses, *(f"by its graph, {miss}" for miss in missed)))
    return report


def _encoded(
    bundle: Bundle, encoding: Encoding, ids: Mapping[str, Sequence[NDArray[np.int64]]]
) -> tuple[dict[str, list[SparseVector]], dict[str, NDArray[np.float32]] | None]:
    """Return the vectors of token ids by route, and the dense embeddings where the bundle gives some."""
    width = bundle.manifest.dense_dim
    if width is None:
        return {route: encoding.in_order(rows, route, encoding.reader) for route, rows in ids.items()}, None
    both = {route: hybrid(encoding.in_order(rows, route, HYBRID), width) for route, rows in ids.items()}
    vectors = {route: pair[0] for route, pair in both.items()}
    return vectors, {route: pair[1] for route, pair in both.items()}


def _wrong_facts(bundle: Bundle, route: str, sessions: Sessions) -> Iterator[str]:
    """Yield what the graph of a route was written with and the manifest says otherwise."""
    entry = bundle.manifest.routes[route]
    limit = bundle.manifest.max_active_dims
    said_of = {"dimension": str(bundle.manifest.dimension), "max_active_dims": str(limit or "none")}
    facts = sessions.facts(entry.graph)
    for name, said in said_of.items():
        if name in facts and facts[name] != said:
            yield f"{route}: {MANIFEST} says {name} {said}, {entry.graph} has {facts[name]}"
