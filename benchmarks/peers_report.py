"""What the comparison with the peers found, as rows and as Markdown."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean
from typing import Any

import numpy as np

from contender import REFERENCE, Contender, Round
from report import QUIET

Pair = tuple[list[int], list[float]]
HEAD = (
    *("contender", "docs/s", "to torch", "p50 ms", "p99 ms", "peak GB", "to torch"),
    *("model MB", "cosine", "active", "of the peak"),
)
LEGEND = """\
- docs/s: texts a second in batches, the fastest of the rounds; its ratio to that of PyTorch.
- p50 and p99: of one text alone, over as many calls as fit into some seconds (JSON: `calls`).
- peak: memory of the process, which encoded the shorter texts before. Model: what is loaded, without the tokenizer.
- cosine: mean over texts to PyTorch's vectors of the same texts. Active: mean active dimensions.
- of the peak: of the time, what the products with weights would take at the speed of ONNX Runtime's fastest products.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one contender on one model and one length.

    Attributes:
        words: mean words of a text.
        best: texts a second in the fastest round.
        speedup: `best` over the reference's, None without the reference.
        p50_ms, p99_ms: of one text alone.
        calls: how many texts were encoded alone, in all rounds.
        memory_gb: peak of the process so far.
        memory_ratio: over the reference's.
        model_mb: the files that are loaded.
        cosine: mean cosine to the reference's vectors.
        active_dims: mean active dimensions of a text.
        seconds: every round.
        others: cores that other processes kept busy in each round.
        share: of this machine's peak, None for the peers.
    """

    model: str
    words: int
    contender: str
    batch_size: int
    best: float
    speedup: float | None
    p50_ms: float
    p99_ms: float
    calls: int
    memory_gb: float
    memory_ratio: float | None
    model_mb: float
    cosine: float | None
    active_dims: float
    seconds: list[float]
    others: list[float]
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What all contenders encoded: so many texts of so many words."""

    model: str
    words: int
    texts: int


def make_rows(case: Case, rounds: dict[Contender, list[Round]], shares: dict[str, float]) -> list[Row]:
    """Return a row for each contender that finished a round.

    Args:
        case: what was encoded.
        rounds: by contender.
        shares: of the machine's peak, by the contender's name.
    """
    reference = next((done for contender, done in rounds.items() if contender.name == REFERENCE), [])
    found = [_row(case, contender, done, reference) for contender, done in rounds.items() if done]
    return [replace(row, share=shares.get(row.contender)) for row in found]


def _row(case: Case, contender: Contender, done: list[Round], reference: list[Round]) -> Row:
    alone = [taken for one in done for taken in one.alone_ms]
    seconds, peak_gb = min(one.seconds for one in done), max(one.peak_gb for one in done)
    return Row(
        model=case.model,
        words=case.words,
        contender=contender.name,
        batch_size=contender.batch_size,
        best=case.texts / seconds,
        speedup=min(one.seconds for one in reference) / seconds if reference else None,
        p50_ms=float(np.percentile(alone, 50)),
        p99_ms=float(np.percentile(alone, 99)),
        calls=len(alone),
        memory_gb=peak_gb,
        memory_ratio=peak_gb / max(one.peak_gb for one in reference) if reference else None,
        model_mb=contender.megabytes,
        cosine=mean_cosine(done[0].vectors, reference[0].vectors) if reference else None,
        active_dims=done[-1].active_dims,
        seconds=[one.seconds for one in done],
        others=[one.others for one in done],
    )


def mean_cosine(vectors: Sequence[Pair], reference: Sequence[Pair]) -> float:
    """Return the mean cosine of vectors, as indices and weights, of the same texts; two empty ones have 1."""
    return fmean(_cosine(*pair) for pair in zip(vectors, reference, strict=True))


def _cosine(one: Pair, other: Pair) -> float:
    first, second = (dict(zip(*pair, strict=True)) for pair in (one, other))
    if not first and not second:
        return 1.0
    product = sum(weight * second.get(index, 0.0) for index, weight in first.items())
    lengths = math.hypot(*first.values()) * math.hypot(*second.values())
    return product / lengths if lengths else 0.0


def as_markdown(about: dict[str, Any], rows: Iterable[Row]) -> str:
    """Lay the rows out in one table for each model and length, with what is to be known about the run.

    Args:
        about: `machine`, `peaks` in operations a second by kind, `failures` by contender.
        rows: of one case after another.
    """
    rows = list(rows)
    speeds = ", ".join(f"{speed / 1e9:.0f} G {kind}" for kind, speed in about["peaks"].items())
    machine = f"{about['machine']['processor']}, {about['machine']['cores']} cores"
    others = max((cores for row in rows for cores in row.others), default=0.0)
    advice = "; repeat on an idle machine" * (others > QUIET)
    parts = [
        f"{machine}. The fastest products of ONNX Runtime: {speeds} operations a second.",
        f"Other processes took up to {others:.1f} cores meanwhile{advice}.\n",
        *(f"### {words} words: speed, and memory, to torch\n\n{as_summary(rows, words)}\n" for words in _lengths(rows)),
        LEGEND,
    ]
    for (model, words, batch), case in groupby(rows, key=lambda row: (row.model, row.words, row.batch_size)):
        parts.append(f"### {model}, {words} words, batch {batch}\n\n{_table(case)}\n")
    parts += [f"{contender} failed:\n\n    {lines.strip()}\n" for contender, lines in about["failures"].items()]
    return "\n".join(parts)


def as_summary(rows: Sequence[Row], words: int) -> str:
    """Lay out speed and peak memory at one length, a column for each model."""
    found = {(row.contender, row.model): row for row in rows if row.words == words}
    contenders, models = (list(dict.fromkeys(keys)) for keys in zip(*found, strict=True))
    lines = [("", *models), ("---", *["---:"] * len(models))]
    lines += [(name, *(_brief(found.get((name, model))) for model in models)) for name in contenders]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _brief(row: Row | None) -> str:
    if row is None:
        return "failed"
    if row.contender == REFERENCE or row.speedup is None or row.memory_ratio is None:
        return f"{row.best:.1f} docs/s, {row.memory_gb:.2f} GB"
    return f"{row.speedup:.2f}x, {row.memory_ratio:.2f}x"


def _lengths(rows: Sequence[Row]) -> list[int]:
    return sorted({row.words for row in rows})


def _table(rows: Iterable[Row]) -> str:
    rules = ("---", *["---:"] * (len(HEAD) - 1))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEAD, rules, *map(_cells, rows)))


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.contender,
        f"{row.best:.1f}",
        "" if row.speedup is None else f"{row.speedup:.2f}x",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
        f"{row.memory_gb:.2f}",
        "" if row.memory_ratio is None else f"1/{1 / row.memory_ratio:.1f}",
        f"{row.model_mb:.1f}",
        "" if row.cosine is None else f"{row.cosine:.5f}",
        f"{row.active_dims:.0f}",
        "" if row.share is None else f"{row.share:.0%}",
    )
