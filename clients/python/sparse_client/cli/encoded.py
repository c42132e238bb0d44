"""The records of several commands, encoded a thousand at a time."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from sparse_client.texts import CHUNK_TEXTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sparse_client.cli.target import Encoder
    from sparse_client.corpus.records import Record
    from sparse_client.vectors import SparseVector


def encoded(
    records: "Iterator[Record]", encoder: "Encoder", route: str, dense: bool = False
) -> "Iterator[tuple[Record, SparseVector, NDArray[np.float32] | None]]":
    """Encode the texts among the records, a thousand records in memory at once; `dense` if all of them are texts."""
    encode = encoder.encode_queries if route == "query" else encoder.encode_documents
    while block := list(islice(records, CHUNK_TEXTS)):
        texts = [record.content for record in block if isinstance(record.content, str)]
        if dense:
            vectors, embeddings = encode(texts, False, dense=True)
            yield from zip(block, vectors, embeddings, strict=True)
            continue
        encoded = iter(encode(texts, False))
        for record in block:
            yield record, next(encoded) if isinstance(record.content, str) else record.content, None
