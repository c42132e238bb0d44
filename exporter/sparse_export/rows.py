"""One sparse vector, as graphs return it and as golden vectors hold it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """The active dimensions of one text, strongest first.

    Attributes:
        indices: int32 `[active]`.
        values: float32 `[active]`, falling.
    """

    indices: np.ndarray
    values: np.ndarray

    @classmethod
    def of_dense(cls, weights: np.ndarray, limit: int | None = None) -> Row:
        """Return the active dimensions of float32 `[dimension]`; equal weights in order of their index."""
        (active,) = np.nonzero(weights)
        order = active[np.argsort(-weights[active], kind="stable")][:limit]
        return cls(order.astype(np.int32), weights[order].astype(np.float32))

    def restricted(self, kept: np.ndarray) -> Row:
        """Return the pairs of those dimensions that are true in `kept`, bool `[dimension]`."""
        inside = kept[self.indices]
        return Row(self.indices[inside], self.values[inside])

    @classmethod
    def of_padded(cls, indices: np.ndarray, values: np.ndarray) -> Row:
        """Return a row of a graph's outputs without its padding of index -1."""
        kept = indices >= 0
        return cls(indices[kept], values[kept])
