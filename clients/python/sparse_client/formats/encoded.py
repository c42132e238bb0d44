"""One encoded text, as every format gets it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparse_client.vectors import SparseVector

IDS = ("id", "_id")


@dataclass(frozen=True, slots=True)
class Encoded:
    """What is written of one text.

    Attributes:
        number: Its place in the corpus, from 1.
        label: What it carries along: the `id` or `_id` of the input, else the text.
        vector: Its vector.
        dense: Its dense embedding, float32 ``[width]``, where one was asked for.
    """

    number: int
    label: dict[str, Any]
    vector: SparseVector
    dense: NDArray[np.float32] | None = None

    @property
    def id(self) -> str:
        """The id as text; the number where there is none."""
        return id_of(self.label) or str(self.number)


def id_of(label: dict[str, Any]) -> str | None:
    """Return the id of a label as text, None if it has none."""
    return next((str(label[name]) for name in IDS if label.get(name) is not None), None)
