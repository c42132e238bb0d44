"""Replay a bundle's golden vectors in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sparse_client.bundle.manifest import MANIFEST
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.local import LocalEncoder
from sparse_client.parity.decoder import decoding_misses
from sparse_client.parity.golden import Report, golden_embeddings, golden_texts, judge
from sparse_client.vectors import SparseVector


def verify(bundle: Path | str) -> Report:
    """Check that this client makes of a bundle's golden texts what PyTorch made of them, token ids included.

    Args:
        bundle: The folder of the bundle; the checksums of its files are compared, too.

    Raises:
        BundleError: If the bundle is missing, broken, or a route has no golden vectors.

    Example:
        >>> verify("bundle/").passed
        True
    """
    encoder = LocalEncoder(bundle, checksums=True)
    opened = encoder._bundle
    embedded = opened.manifest.input_dim is not None
    report = _replay_embeddings(bundle, encoder) if embedded else _replay_texts(opened, encoder)
    wrong = [miss for route in report.distances for miss in _wrong_facts(opened, route, encoder._sessions)]
    wrong += decoding_misses(opened, encoder._sessions)
    return replace(report, misses=(*wrong, *report.misses))


def _replay_embeddings(bundle: Path | str, encoder: LocalEncoder) -> Report:
    embeddings = golden_embeddings(bundle)
    return judge(
        bundle,
        {route: encoder.encode_embeddings(rows) for route, rows in embeddings.items()},
    )


def _replay_texts(bundle: Bundle, encoder: LocalEncoder) -> Report:
    texts = golden_texts(bundle.path)
    encode = {"document": encoder.encode_documents, "query": encoder.encode_queries}
    tokenizers = {route: RouteTokenizer(bundle.path, bundle.manifest.routes[route]) for route in texts}
    ids = {route: tokenizers[route].ids(texts[route]) for route in texts}
    encoded = {route: encode[route](texts[route], False) for route in texts}
    report = judge(bundle.path, encoded, {route: [row.tolist() for row in rows] for route, rows in ids.items()})
    for route in filter(bundle.manifest.has_table, texts):  # servers run the graph that this client does not need
        by_graph: list[SparseVector] = []
        for row in ids[route]:
            by_graph += encoder._vectors(bundle.manifest.routes[route].graph, tokenizers[route].pad([row]))
        missed = judge(bundle.path, {route: by_graph}).misses
        report = replace(report, misses=(*report.misses, *(f"by its graph, {miss}" for miss in missed)))
    return report


def _wrong_facts(bundle: Bundle, route: str, sessions: Sessions) -> Iterator[str]:
    """Yield what the graph of a route was written with and the manifest says otherwise."""
    entry = bundle.manifest.routes[route]
    limit = bundle.manifest.max_active_dims
    said_of = {"dimension": str(bundle.manifest.dimension), "max_active_dims": str(limit or "none")}
    facts = sessions.facts(entry.graph)
    for name, said in said_of.items():
        if name in facts and facts[name] != said:
            yield f"{route}: {MANIFEST} says {name} {said}, {entry.graph} has {facts[name]}"
