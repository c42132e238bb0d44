"""Which weights of an encoded text are written, and as what."""

from dataclasses import dataclass

import numpy as np

from sparse_client.bundle.reader import open_bundle
from sparse_client.errors import InputError
from sparse_client.parity.golden import golden_by_route
from sparse_client.vectors import SparseVector

IMPACTS = 255  # the largest whole number that a weight becomes; the smallest is 1, as 0 is "not active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What becomes of the weights of each vector; compared are their absolute values.

    Attributes:
        ratio: Drop those under this part of the vector's largest, 0 for none.
        least: Drop those under this weight, 0 for none.
        scale: Impacts of a weight of 1: weights become whole numbers from 1 to 255. None leaves them as they are.
    """

    ratio: float = 0.0
    least: float = 0.0
    scale: float | None = None

    def of(self, vector: SparseVector) -> SparseVector:
        """Return the vector with the weights that are kept, in their order.

        Raises:
            InputError: If a weight is negative and weights are to become impacts.
        """
        kept, sizes = vector, np.abs(vector.values)
        limit = max(self.ratio * float(sizes.max(initial=0.0)), self.least)
        if limit > 0:
            stay = sizes >= np.float32(limit)
            kept = SparseVector.unchecked(kept.indices[stay], kept.values[stay])
        if self.scale is None:
            return kept
        if (kept.values < 0).any():
            raise InputError(f"weight {kept.values.min():.3g} is negative, impacts are from 1 to {IMPACTS}: no --uint8")
        impacts = np.clip(np.rint(kept.values * np.float32(self.scale)), 1, IMPACTS).astype(np.float32)
        return SparseVector.unchecked(kept.indices, impacts)

    def clipped(self, vector: SparseVector) -> int:
        """Return how many weights of a vector are too large for an impact, which become the largest."""
        return 0 if self.scale is None else int((np.rint(vector.values * np.float32(self.scale)) > IMPACTS).sum())


def scale_of(bundle: str, route: str) -> float:
    """Return the scale by which the largest weight of a route's golden vectors becomes the largest impact.

    Raises:
        InputError: If no weight is above 0.
        BundleError: If the bundle cannot be read.
    """
    golden = golden_by_route(open_bundle(bundle))
    vectors = [one.vector for one in golden.get(route, golden["document"])]
    largest = max(float(vector.values.max(initial=0)) for vector in vectors)
    if largest <= 0:
        raise InputError(f"no weight of a {route} of {bundle} is above 0, so there are no impacts: no --uint8")
    return IMPACTS / largest
