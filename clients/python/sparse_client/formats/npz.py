"""One matrix, as `scipy.sparse.load_npz` reads it: compressed rows, float32 `[texts, dimension]`; with their `ids`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space


def write(path: Path, rows: Sequence[Encoded], space: Space) -> None:
    """Write a file; the dimensions of a row stand in rising order.

    Raises:
        InputError: If the dimension is not known.
    """
    vectors = [row.vector for row in rows]
    orders = [np.argsort(vector.indices) for vector in vectors]
    parts = {
        "indices": np.concatenate([vector.indices[order] for vector, order in zip(vectors, orders, strict=True)]),
        "indptr": np.cumsum([0, *map(len, vectors)], dtype=np.int64),
        "data": np.concatenate([vector.values[order] for vector, order in zip(vectors, orders, strict=True)]),
        "shape": np.array([len(rows), space.known_dimension()]),
        "format": np.array(b"csr"),
        "ids": np.array([row.id for row in rows]),
    }
    with path.open("wb") as stream:
        np.savez_compressed(stream, **parts)  # type: ignore[arg-type]
