"""What a format may need to know of the vectors that it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparse_client.errors import InputError
from sparse_client.vectors import SparseVector


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The space of the vectors.

    Attributes:
        bundle: What tells their bundle from others, None of a server.
        dimension: How many dimensions there are, None of a server.
        words: The token of each dimension, or its number where a dimension has none; None of a server.
    """

    bundle: str | None
    dimension: int | None
    words: Sequence[str] | None

    def known_dimension(self) -> int:
        """Return the dimension.

        Raises:
            InputError: If a server does not tell.
        """
        if self.dimension is None:
            raise InputError("this format has the dimension, which a server does not tell: give --bundle")
        return self.dimension

    def by_word(self, vector: SparseVector, written: Mapping[str, str] | None = None) -> dict[str, float]:
        """Return the weight of each token, by falling weight; of two dimensions with one token the larger stays.

        Args:
            vector: The vector.
            written: What stands for characters that an engine does not take in a token.

        Raises:
            InputError: If the tokens are not known.
        """
        if self.words is None:
            raise InputError("this format has tokens, which a server does not tell: give --bundle")
        table = str.maketrans(dict(written or {}))
        weights: dict[str, float] = {}
        for index, value in zip(vector.indices.tolist(), numbers(vector), strict=True):
            word = self.words[index].translate(table)
            weights[word] = max(value, weights.get(word, value))
        return weights


def numbers(vector: SparseVector) -> list[float]:
    """Return the weights with the fewest digits that give the same float32; whole ones without a point."""
    return [int(value) if value.is_integer() else float(str(value)) for value in vector.values]


def check_positive(vector: SparseVector, what: str, engine: str) -> None:
    """Refuse negative weights where an engine takes none.

    Raises:
        InputError: If one is negative.
    """
    if len(vector) and vector.values.min() < 0:
        raise InputError(f"{what} has the weight {vector.values.min():.3g}: {engine} takes no negative weights")
