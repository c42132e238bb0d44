"""Leave out columns of the vocabulary projection that texts never make active, and say what other texts lose by it.

Columns stay that are active in enough of the texts, and those of the golden texts, so that a bundle's golden vectors
are PyTorch's and whole. That a token occurs in a text does not keep its column: for the same number of columns, those
that were active lose less.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.errors import InputError
from sparse_export.graph import storage
from sparse_export.graph.head import Head
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import promise, reference
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Plan
from sparse_export.retrieval.texts import read_texts

FEWEST = 100  # texts; fewer say nothing of others
EVERY = 10  # one of so many texts judges and does not choose
MOST_HELD_OUT = 500  # PyTorch encodes them
BATCH = 16


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts that choose columns, and others of the same file that judge the choice.

    Attributes:
        choosing: Texts whose columns stay.
        held_out: Texts spread evenly over the file, none of them among the others.
        min_count: Fewest texts in which a column must be active.
    """

    choosing: list[str]
    held_out: list[str]
    min_count: int


def read_corpus(path: Path, min_count: int) -> Corpus:
    """Read the texts of a file, each different text once.

    Raises:
        InputError: The file cannot be read, or holds too few texts.
    """
    texts = list(dict.fromkeys(read_texts(path)))
    if len(texts) < FEWEST:
        raise InputError(f"{path}: holds {len(texts)} different texts; at least {FEWEST} are needed, better thousands.")
    step = max(EVERY, math.ceil(len(texts) / MOST_HELD_OUT))
    held_out = texts[step - 1 :: step]
    del texts[step - 1 :: step]
    if min_count > len(texts):
        raise InputError(f"prune_min_count is {min_count}, but only {len(texts)} texts choose; give a smaller number.")
    return Corpus(texts, held_out, min_count)


@dataclass(frozen=True, slots=True)
class Pruner:
    """Chooses columns by a corpus.

    Attributes:
        corpus: The texts.
        checkpoint: The checkpoint, which gives tokens, and vectors to compare with.
        golden: PyTorch's vectors that must stay as they are.
        say: Is told each step.
    """

    corpus: Corpus
    checkpoint: Checkpoint
    golden: Sequence[SparseVector]
    say: Callable[[str], None]

    def prune(self, plan: Plan, options: ExportOptions, folder: Path) -> tuple[Plan, dict[str, Any]]:
        """Return the plan with the columns that stay, and what the manifest says of them.

        Args:
            plan: A plan with all columns; it is not changed.
            options: Those of the export.
            folder: Where a graph may lie for a while.
        """
        head = plan.document.head
        assert isinstance(head, Head)  # the family saw to it
        counts = self._count_active(plan, options, folder)
        kept = counts >= self.corpus.min_count
        for row in self.golden:
            kept[row.indices] = True
        (columns,) = np.nonzero(kept)
        self.say("Measuring what held-out texts lose")
        report = {
            "kept": len(columns),
            "dropped": len(kept) - len(columns),
            "share_dropped": round(1 - len(columns) / len(kept), 4),
            "texts": len(self.corpus.choosing),
            "min_count": self.corpus.min_count,
            "held_out": self._loss(kept),
        }
        return plan.with_document_head(head.pruned(columns.astype(np.int32))), report

    def _count_active(self, plan: Plan, options: ExportOptions, folder: Path) -> np.ndarray:
        """Return int64 `[dimension]`: the texts in which each dimension is active, by the whole float32 graph."""
        limit = self.checkpoint.max_active_dims()
        model = assemble(plan.document, replace(options, precision=Precision.FP32), limit)
        counts = np.zeros(plan.document.head.dimension, np.int64)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            storage.save(model, Path(place) / "whole.onnx", options.external_data_bytes)
            graph = EncoderGraph(Path(place) / "whole.onnx")
            for texts in self._batches():
                for row in graph.run(reference.token_batch(self.checkpoint, "document", texts)):
                    counts[row.indices] += 1
        return counts

    def _batches(self) -> Iterator[list[str]]:
        """Yield the choosing texts, those of like length together, and tell each tenth of the way."""
        texts = sorted(self.corpus.choosing, key=len)
        told = -1
        for start in range(0, len(texts), BATCH):
            if (tenths := 10 * start // len(texts)) > told:
                told = tenths
                self.say(f"Encoding {len(texts)} texts for the columns that they need, {10 * tenths} %")
            yield texts[start : start + BATCH]

    def _loss(self, kept: np.ndarray) -> dict[str, float]:
        """Compare PyTorch's vectors of held-out texts with what is left of them."""
        limit, texts = self.checkpoint.max_active_dims(), sorted(self.corpus.held_out, key=len)
        whole: list[SparseVector] = []
        for start in range(0, len(texts), BATCH):
            whole += reference.encode_batch(self.checkpoint, "document", texts[start : start + BATCH], len(kept))
        before = [_strongest(row, limit) for row in whole]
        after = [_strongest(_restricted(row, kept), limit) for row in whole]  # a limit has room for what follows
        weight = sum(float(row.values.sum()) for row in before)
        left = sum(float(_restricted(row, kept).values.sum()) for row in before)
        lost = round(1 - left / weight, 6) if weight else 0.0
        return {**asdict(promise.compare(before, after)), "weight_dropped": lost}


def _restricted(row: SparseVector, kept: np.ndarray) -> SparseVector:
    """Return what is left of a vector in the dimensions that are true in `kept`, bool `[dimension]`."""
    inside = kept[row.indices]
    return SparseVector.unchecked(row.indices[inside], row.values[inside])


def _strongest(row: SparseVector, limit: int | None) -> SparseVector:
    return SparseVector.unchecked(row.indices[:limit], row.values[:limit])
