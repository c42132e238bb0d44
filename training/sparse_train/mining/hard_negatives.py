"""Find hard negatives: documents that a model ranks high for a query, and that are not its answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from sparse_export.retrieval.search import search
from sparse_train.errors import RecipeError

FORMATS = ("triplet", "n-tuple", "n-tuple-scores")
Score = Callable[[str, Sequence[str]], Sequence[float]]
"""Scores texts for a query with another model."""


SAMPLINGS = ("top", "random")
FORMATS = ("triplet", "n-tuple", "n-tuple-scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningOptions:
    """What counts as a hard negative; the names are those of sentence-transformers' miner.

    Attributes:
        negatives: how many for each pair.
        range_min: first rank, counted from 0 without the answers; the best-ranked are often unmarked answers.
        range_max: rank to stop before.
        absolute_margin: least distance of a negative's score below the answer's.
        relative_margin: likewise as a share of the answer's score.
        max_score: largest score of a negative.
        min_score: smallest score of a negative.
        sampling: the best-ranked of what is left, or a random choice.
        format: one row for each negative, or one for all, perhaps with scores.
        seed: of the random choice.
    """

    negatives: int = 1
    range_min: int = 0
    range_max: int = 100
    absolute_margin: float | None = None
    relative_margin: float | None = None
    max_score: float | None = None
    min_score: float | None = None
    sampling: str = "top"
    format: str = "triplet"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in {"sampling": SAMPLINGS, "format": FORMATS}.items():
            if getattr(self, name) not in allowed:
                raise RecipeError(f"--{name}: expected one of {', '.join(allowed)}, got {getattr(self, name)!r}.")
        if self.negatives < 1:
            raise RecipeError(f"--negatives: expected 1 or more, got {self.negatives}.")
        if not 0 <= self.range_min < self.range_max:
            raise RecipeError(
                f"--range-min {self.range_min} must be below --range-max {self.range_max}, and not negative."
            )

    def admits(self, score: float, answer: float) -> bool:
        """Return whether a document with this score may be a negative of a pair with that score."""
        most, least = float("inf"), float("-inf")
        if self.absolute_margin is not None:
            most = answer - self.absolute_margin
        if self.relative_margin is not None:
            most = min(most, answer - abs(answer) * self.relative_margin)
        if self.max_score is not None:
            most = min(most, self.max_score)
        if self.min_score is not None:
            least = self.min_score
        return least <= score <= most


@dataclass(frozen=True, slots=True)
class Texts:
    """What is mined: pairs of texts, and more documents to take negatives from."""

    pairs: list[tuple[str, str]]
    more: list[str]

    def queries(self) -> list[str]:
        """Return every query once."""
        return list(dict.fromkeys(query for query, _ in self.pairs))

    def documents(self) -> list[str]:
        """Return every document once, the answers first."""
        return list(dict.fromkeys([*(answer for _, answer in self.pairs), *self.more]))


@dataclass(frozen=True, slots=True)
class Mined:
    """One pair with the negatives that were found for it, and the scores of the answer and of each."""

    query: str
    answer: str
    negatives: list[str]
    scores: list[float]


def mine(
    texts: Texts, queries: csr_matrix, documents: csr_matrix, options: MiningOptions, rescore: Score | None = None
) -> Iterator[Mined]:
    """Yield every pair with its negatives, which may be fewer than asked for, in the order of the queries.

    Args:
        texts: the pairs and documents.
        queries: vectors of `texts.queries()`, float32 `[queries, dimension]`.
        documents: vectors of `texts.documents()`, float32 `[documents, dimension]`.
        options: what counts as a negative.
        rescore: another model, whose scores decide in place of the dot products; ranks stay.
    """
    generator = random.Random(options.seed)
    names, row_of = texts.documents(), {text: row for row, text in enumerate(texts.documents())}
    answers: dict[str, list[str]] = {}
    for query, answer in dict.fromkeys(texts.pairs):
        answers.setdefault(query, []).append(answer)
    depth = options.range_max + max(map(len, answers.values()))
    found = search(queries, documents, depth)
    for number, (query, (rows, scores)) in enumerate(zip(answers, found, strict=True)):
        own = [row_of[answer] for answer in answers[query]]
        kept = np.flatnonzero(~np.isin(rows, own))[options.range_min : options.range_max]
        candidates = [(names[rows[i]], float(scores[i])) for i in kept]
        known = [float(queries[number].multiply(documents[row]).sum()) for row in own]
        if rescore is not None:
            every = rescore(query, [*answers[query], *(text for text, _ in candidates)])
            known = [float(score) for score in every[: len(own)]]
            candidates = [(text, float(score)) for (text, _), score in zip(candidates, every[len(own) :], strict=True)]
        for answer, score in zip(answers[query], known, strict=True):
            fit = [candidate for candidate in candidates if options.admits(candidate[1], score)]
            if options.sampling == "random":
                fit = generator.sample(fit, min(options.negatives, len(fit)))
            fit = fit[: options.negatives]
            yield Mined(query, answer, [text for text, _ in fit], [score, *(value for _, value in fit)])


def rows_of(mined: Mined, options: MiningOptions, columns: tuple[str, str]) -> Iterator[dict[str, object]]:
    """Yield the rows of a data set in the chosen format; tuples of too few negatives are left out."""
    pair: dict[str, object] = {columns[0]: mined.query, columns[1]: mined.answer}
    if options.format == "triplet":
        for negative in mined.negatives:
            yield {**pair, "negative": negative}
    elif len(mined.negatives) == options.negatives:
        row = {**pair, **{f"negative_{number}": text for number, text in enumerate(mined.negatives, 1)}}
        yield {**row, "scores": mined.scores} if options.format == "n-tuple-scores" else row
