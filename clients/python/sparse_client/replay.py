"""Replay a bundle's golden vectors in this process."""

from pathlib import Path

import numpy as np

from sparse_client.bundle import open_bundle
from sparse_client.local import LocalEncoder
from sparse_client.tokens import RouteTokenizer
from sparse_client.verification import Report, golden_embeddings, golden_texts, judge


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
    encoder = LocalEncoder(bundle, checksums=True)
    opened = open_bundle(bundle)
    if opened.input_dim is not None:
        embeddings = np.array(golden_embeddings(bundle), dtype=np.float32)
        return judge(bundle, {"document": encoder.encode_embeddings(embeddings)})
    texts = golden_texts(bundle)
    encode = {"document": encoder.encode_documents, "query": encoder.encode_queries}
    ids = {route: RouteTokenizer(opened.path, opened.routes[route]).ids(texts[route]) for route in texts}
    encoded = {route: encode[route](texts[route], False) for route in texts}
    return judge(bundle, encoded, {route: [row.tolist() for row in rows] for route, rows in ids.items()})
