"""What each loss takes: how many columns of text, and which labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from sparse_train.recipe.schema import Component

LABEL_COLUMNS = ("label", "labels", "score", "scores")
"""Names that sentence-transformers takes for labels; every other column is text."""

REGULARIZED = ("SpladeLoss", "CachedSpladeLoss")
AUTOENCODING = ("CSRLoss", "CSRReconstructionLoss")
COMPLETE = (*REGULARIZED, *AUTOENCODING, "SparseMSELoss", "ExpansionLoss")
"""Losses that train by themselves; the others stand within one of them."""
REGULARIZERS = ("FlopsLoss",)


class Labels(Enum):
    """What a row's label is."""

    NONE = "no label"
    NUMBER = "a number"
    NUMBERS = "a list of numbers"
    EITHER = "a number or a list of numbers"


@dataclass(frozen=True, slots=True)
class Format:
    """The rows a loss takes.

    Attributes:
        least: smallest number of text columns.
        most: largest number, None without limit.
        labels: what a row's label is.
        meaning: the columns in their order, for error messages.
        lengths: how long a list of labels may be, as numbers to add to the number of text columns; empty for any.
    """

    least: int
    most: int | None
    labels: Labels
    meaning: str
    lengths: tuple[int, ...] = ()


_PAIR = Format(2, 2, Labels.NUMBER, "text, text, and their similarity as score")
FORMATS: dict[str, Format] = {
    "SparseMultipleNegativesRankingLoss": Format(2, None, Labels.NONE, "query, positive, and any number of negatives"),
    "SparseTripletLoss": Format(3, 3, Labels.NONE, "query, positive, negative"),
    "SparseMarginMSELoss": Format(
        3, None, Labels.EITHER, "query, positive, negatives, and the margins or all scores of a teacher", (-2, -1)
    ),
    "SparseDistillKLDivLoss": Format(
        3, None, Labels.NUMBERS, "query, positive, negatives, and a teacher's score of each passage", (-1,)
    ),
    "SparseMSELoss": Format(1, None, Labels.NUMBERS, "texts, and the embedding to reach as label"),
    "SparseCoSENTLoss": _PAIR,
    "SparseAnglELoss": _PAIR,
    "SparseCosineSimilarityLoss": _PAIR,
    "CSRReconstructionLoss": Format(1, None, Labels.NONE, "texts"),
    "ExpansionLoss": Format(2, 2, Labels.NONE, "text, and another whose words it is to get"),
}


def format_of(loss: Component) -> Format:
    """Return the format of the loss that a loss with regularizers is built around."""
    return FORMATS[innermost(loss).name]


def innermost(loss: Component) -> Component:
    """Return the loss that looks at the rows."""
    if loss.name == "CSRLoss" and loss.arguments.get("loss") is None:
        return Component("SparseMultipleNegativesRankingLoss", {})
    inner = loss.arguments.get("loss")
    return innermost(inner) if isinstance(inner, Component) else loss


def nested(loss: Component) -> Iterator[tuple[str, Component]]:
    """Yield the losses and regularizers directly within a loss, with the argument each is given as."""
    for name, argument in loss.arguments.items():
        if isinstance(argument, Component):
            yield name, argument
