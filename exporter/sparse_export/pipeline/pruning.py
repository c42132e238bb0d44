"""Leave out columns of the vocabulary projection that texts never make active, and say what other texts lose by it.

Columns stay that are active in enough of the texts, and those of the golden texts, so that a bundle's golden vectors
are PyTorch's and whole. That a token occurs in a text does not keep its column: for the same number of columns, those
that were active lose less.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sparse_client.bundle.facts import HeldOut, Pruning
from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.errors import InputError
from sparse_export.graph.tape import save
from sparse_export.graph.vocabulary_head import VocabularyHead
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import promise, reference
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Plan, Tower
from sparse_export.retrieval.texts import read_texts

log = logging.getLogger(__name__)

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
        min_count: A column stays only if it is active in at least so many texts.
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


def prune(
    plan: Plan, corpus: Corpus, checkpoint: Checkpoint, options: ExportOptions, golden: Sequence[SparseVector]
) -> tuple[Plan, Pruning]:
    """Drop the columns of a plan that a corpus does not need.

    Args:
        plan: A plan with all columns; it is not changed.
        corpus: The texts.
        checkpoint: The checkpoint, which gives tokens, and vectors to compare with.
        options: Those of the export.
        golden: PyTorch's vectors that must stay as they are.

    Returns:
        The plan with the columns that stay, and what the manifest says about them.
    """
    head = plan.document.head
    assert isinstance(head, VocabularyHead)  # the family saw to it
    counts = _count_active(plan.document, corpus, checkpoint, options)
    kept = counts >= corpus.min_count
    for row in golden:
        kept[row.indices] = True
    (columns,) = np.nonzero(kept)
    log.info("Measuring what held-out texts lose")
    pruning = Pruning(
        kept=len(columns),
        dropped=len(kept) - len(columns),
        share_dropped=round(1 - len(columns) / len(kept), 4),
        texts=len(corpus.choosing),
        min_count=corpus.min_count,
        held_out=_loss(corpus, checkpoint, kept),
    )
    return plan.with_document_head(head.pruned(columns.astype(np.int32))), pruning


def _count_active(tower: Tower, corpus: Corpus, checkpoint: Checkpoint, options: ExportOptions) -> np.ndarray:
    """Return int64 `[dimension]`: the texts in which each dimension is active, by the whole float32 graph."""
    model, _ = assemble(tower, replace(options, precision=Precision.FP32), checkpoint.max_active_dims())
    counts = np.zeros(tower.head.dimension, np.int64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whole.onnx"
        save(model, path, options.external_data_bytes)
        graph = EncoderGraph(path)
        for texts in _batches(corpus.choosing):
            for row in graph.run(reference.token_batch(checkpoint, "document", texts)):
                counts[row.indices] += 1
    return counts


def _batches(choosing: Sequence[str]) -> Iterator[list[str]]:
    """Yield the choosing texts, those of like length together, and log each tenth of the way."""
    texts = sorted(choosing, key=len)
    told = -1
    for start in range(0, len(texts), BATCH):
        if (tenths := 10 * start // len(texts)) > told:
            told = tenths
            log.info("Encoding %d texts for the columns that they need, %d %%", len(texts), 10 * tenths)
        yield texts[start : start + BATCH]


def _loss(corpus: Corpus, checkpoint: Checkpoint, kept: np.ndarray) -> HeldOut:
    """Compare PyTorch's vectors of held-out texts with what is left of them."""
    limit, texts = checkpoint.max_active_dims(), sorted(corpus.held_out, key=len)
    whole: list[SparseVector] = []
    for start in range(0, len(texts), BATCH):
        whole += reference.encode_batch(checkpoint, "document", texts[start : start + BATCH], len(kept))
    before = [_strongest(row, limit) for row in whole]
    after = [_strongest(_restricted(row, kept), limit) for row in whole]  # a limit has room for what follows
    weight = sum(float(row.values.sum()) for row in before)
    left = sum(float(_restricted(row, kept).values.sum()) for row in before)
    lost = round(1 - left / weight, 6) if weight else 0.0
    return HeldOut(**asdict(promise.compare(before, after)), weight_dropped=lost)


def _restricted(row: SparseVector, kept: np.ndarray) -> SparseVector:
    """Return what is left of a vector in the dimensions that are true in `kept`, bool `[dimension]`."""
    inside = kept[row.indices]
    return SparseVector.unchecked(row.indices[inside], row.values[inside])


def _strongest(row: SparseVector, limit: int | None) -> SparseVector:
    return SparseVector.unchecked(row.indices[:limit], row.values[:limit])
