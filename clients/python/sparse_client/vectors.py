"""One sparse vector: the active dimensions and their weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sparse_client.errors import InputError

_SHOWN = 3


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class SparseVector:
    """Active dimensions and their weights, without padding.

    Both arrays are copied and made read-only. An encoder gives them sorted by falling weight.

    Attributes:
        indices: The active dimensions, int32 ``[active]``, each at most once, none negative.
        values: Their weights, float32 ``[active]``, finite.

    Raises:
        InputError: If the arrays do not have that form.

    Example:
        >>> SparseVector([7, 3], [0.5, 2.0]).top(1)
        SparseVector(1 active: 3: 2)
    """

    indices: NDArray[np.int32]
    values: NDArray[np.float32]

    def __init__(self, indices: ArrayLike, values: ArrayLike) -> None:
        """Check, copy and freeze the two arrays."""
        object.__setattr__(self, "indices", _frozen(_as_indices(indices)))
        object.__setattr__(self, "values", _frozen(_as_values(values)))
        if self.indices.shape != self.values.shape:
            raise InputError(f"got {len(self.indices)} indices and {len(self.values)} values: give one value per index")

    @classmethod
    def unchecked(cls, indices: NDArray[np.int32], values: NDArray[np.float32]) -> "SparseVector":
        """Take over two arrays that are known to have that form: the checks take longer than looking up a query."""
        vector = cls.__new__(cls)
        object.__setattr__(vector, "indices", _frozen(indices))
        object.__setattr__(vector, "values", _frozen(values))
        return vector

    @classmethod
    def of_dense(cls, weights: NDArray[np.float32], limit: int | None = None) -> "SparseVector":
        """Return what is not 0 of float32 ``[dimension]``, at most `limit`; equal weights in order of their index."""
        (active,) = np.nonzero(weights)
        order = active[np.argsort(-weights[active], kind="stable")][:limit]
        return cls.unchecked(order.astype(np.int32), weights[order].astype(np.float32))

    def top(self, k: int) -> "SparseVector":
        """Return the k strongest dimensions, sorted by falling weight.

        Raises:
            InputError: If k is negative.
        """
        if k < 0:
            raise InputError(f"top({k}): k must be 0 or more")
        order = np.argsort(-self.values, kind="stable")[:k]
        return SparseVector(self.indices[order], self.values[order])

    def dot(self, other: "SparseVector") -> float:
        """Return the dot product, the score of a query against a document; summed in float64."""
        _, mine, theirs = np.intersect1d(self.indices, other.indices, assume_unique=True, return_indices=True)
        return float(self.values[mine].astype(np.float64) @ other.values[theirs].astype(np.float64))

    def to_dict(self) -> dict[int, float]:
        """Return ``{dimension: weight}`` in the order of the arrays."""
        return dict(zip(self.indices.tolist(), self.values.tolist(), strict=True))

    def __len__(self) -> int:
        """Return the number of active dimensions."""
        return len(self.indices)

    def __eq__(self, other: object) -> bool:
        """Tell whether both give every dimension exactly the same weight, in whatever order."""
        if not isinstance(other, SparseVector):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show the count and the first few dimensions."""
        shown = [f"{index}: {value:.3g}" for index, value in list(self.to_dict().items())[:_SHOWN]]
        more = ["..."] if len(self) > _SHOWN else []
        return f"SparseVector({len(self)} active" + (": " if shown else "") + ", ".join(shown + more) + ")"


def checked_vectors(vectors: Iterable[SparseVector], dimension: int | None = None) -> list[SparseVector]:
    """Return the vectors as a list.

    Args:
        vectors: The vectors.
        dimension: Size of the space that they must be of, None where it is not known.

    Raises:
        InputError: If it is not a list of vectors, or one is not of that space.
    """
    if isinstance(vectors, SparseVector) or not isinstance(vectors, Iterable):
        raise InputError(f"got one {type(vectors).__name__}, expected a list of SparseVector: pass [vector]")
    checked = list(vectors)
    for position, vector in enumerate(checked):
        if not isinstance(vector, SparseVector):
            raise InputError(
                f"vector {position} is {type(vector).__name__}, expected SparseVector: pass a list of them"
            )
        if dimension is not None and len(vector) and vector.indices.max() >= dimension:
            raise InputError(
                f"vector {position} has index {vector.indices.max()}, but this bundle has "
                f"{dimension} dimensions: decode it with the bundle that made it"
            )
    return checked


def _as_indices(raw: ArrayLike) -> NDArray[np.int32]:
    given = _as_numbers(raw, "indices")
    if given.size and given.dtype.kind not in "iu":
        raise InputError(f"indices are {given.dtype}: give whole numbers")
    if given.size and (given.min() < 0 or given.max() > np.iinfo(np.int32).max):
        raise InputError("indices must be from 0 to 2147483647, without padding: drop the entries with index -1")
    if len(np.unique(given)) != len(given):
        raise InputError("indices repeat: give each dimension once, with its whole weight")
    return given.astype(np.int32)


def _as_values(raw: ArrayLike) -> NDArray[np.float32]:
    given = _as_numbers(raw, "values")
    if given.size and given.dtype.kind not in "iuf":
        raise InputError(f"values are {given.dtype}: give numbers")
    with np.errstate(over="ignore"):
        cast = given.astype(np.float32)
    if not np.isfinite(cast).all():
        raise InputError("values must be finite float32 numbers: there is a NaN, an infinity, or one too large")
    return cast


def _as_numbers(raw: ArrayLike, name: str) -> NDArray[Any]:
    try:
        given = np.asarray(raw)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(f"{name} are not a flat list of numbers ({error})") from error
    if given.ndim != 1:
        raise InputError(f"{name} have {given.ndim} dimensions: give a flat list")
    return given


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
