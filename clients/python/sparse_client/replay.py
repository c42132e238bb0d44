"""Replay a bundle's golden vectors in this process."""

from pathlib import Path

from sparse_client.bundle import open_bundle
from sparse_client.local import LocalEncoder
from sparse_client.tokens import RouteTokenizer
from sparse_client.verification import Report, golden_texts, judge


def verify(bundle: Path | str) -> Report:
    """Check that this client makes of a bundle's golden texts what PyTorch made of them, token ids included.

    Args:
        bundle: The folder of the bundle; the checksums of its files are compared, too.

    Raises:
        BundleError: If the bundle is missing, broken, or has no golden vectors.

    Example:
        >>> verify("bundle/").passed
        True
    """
    texts = golden_texts(bundle)
    encoder = LocalEncoder(bundle, checksums=True)
    encode = {"document": encoder.encode_documents, "query": encoder.encode_queries}
    opened = open_bundle(bundle)
    ids = {route: RouteTokenizer(opened.path, opened.routes[route]).ids(texts[route]) for route in texts}
    encoded = {route: encode[route](texts[route], False) for route in texts}
    return judge(bundle, encoded, {route: [row.tolist() for row in rows] for route, rows in ids.items()})
