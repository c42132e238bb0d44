"""Encode a column of a Ray dataset."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sparse_client.corpus.shipped import Shipped, ship
from sparse_client.errors import InputError
from sparse_client.local import LocalEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Encode", "Shipped", "ship"]

ROUTES = ("document", "query")


class Encode:
    """Encodes the texts of a batch, for `Dataset.map_batches`.

    Args:
        bundle: The bundle's folder, which every machine must see; or `ship(folder)`, which is sent to them.
        field: The column that holds the texts.
        route: `document` or `query`.
        options: Those of `LocalEncoder`; one thread if nothing else is said.

    Raises:
        SparseClientError: If the bundle cannot be opened, or an option is wrong.

    Example:
        >>> dataset.map_batches(Encode, fn_constructor_args=(ship("bundle/"),), concurrency=4, batch_size=1024)
    """

    def __init__(self, bundle: str | Shipped, *, field: str = "text", route: str = "document", **options: Any) -> None:
        if route not in ROUTES:
            raise InputError(f"route is {route!r}, expected {' or '.join(ROUTES)}")
        encoder = LocalEncoder(bundle.unpack() if isinstance(bundle, Shipped) else bundle, **{"threads": 1} | options)
        self._encode = encoder.encode_queries if route == "query" else encoder.encode_documents
        self._field = field

    def __call__(self, batch: "dict[str, NDArray[Any]]") -> "dict[str, NDArray[Any]]":
        """Return the batch with two more columns.

        Args:
            batch: Columns by name, as `map_batches` gives them (`batch_format="numpy"`).

        Returns:
            The same, and `indices`, int32 ``[active]`` each, and `values`, float32 ``[active]`` each.

        Raises:
            InputError: If there is no such column, or it does not hold texts.
        """
        if self._field not in batch:
            raise InputError(f"there is no column {self._field!r}, only {', '.join(batch)}: give field=")
        vectors = self._encode([*batch[self._field]], False)
        return batch | {
            "indices": _ragged([vector.indices for vector in vectors]),
            "values": _ragged([vector.values for vector in vectors]),
        }


def _ragged(rows: "list[NDArray[Any]]") -> "NDArray[Any]":
    column = np.empty(len(rows), dtype=object)
    column[:] = rows
    return column
