"""Prove a written graph against PyTorch: names, types, tokens, then vectors, alone and in padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from sparse_export import parity, reference
from sparse_export.checkpoint import Checkpoint
from sparse_export.errors import ParityError
from sparse_export.golden import Golden
from sparse_export.options import Precision
from sparse_export.parity import Parity
from sparse_export.rows import Row
from sparse_export.runtime import EncoderGraph

BATCH = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """A padded batch and what PyTorch makes of it."""

    input_ids: np.ndarray
    attention_mask: np.ndarray
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Material:
    """What graphs are proven with.

    Attributes:
        golden: Texts encoded one by one.
        batches: The same texts of the document route in padded batches, neighbours of very different length.
    """

    golden: list[Golden]
    batches: list[Batch]


def material(checkpoint: Checkpoint, routes: Sequence[str], texts: Sequence[str]) -> Material:
    """Encode texts with PyTorch, one by one and in padded batches."""
    golden = reference.golden_vectors(checkpoint, routes, texts)
    batches = []
    for start in range(0, len(texts), BATCH):
        some = texts[start : start + BATCH]
        features = reference.token_batch(checkpoint, routes[0], some)
        rows = reference.encode_batch(checkpoint, routes[0], some)
        batches.append(Batch(features["input_ids"].numpy(), features["attention_mask"].numpy(), rows))
    return Material(golden, batches)


def check_tokenizer(path: Path, prompts: dict[str, str], golden: Sequence[Golden]) -> None:
    """Check that tokenizer.json gives the token ids that sentence-transformers gave.

    Raises:
        ParityError: It differs for a text.
    """
    tokenizer = Tokenizer.from_file(str(path))
    for vector in golden:
        ids = tokenizer.encode(prompts[vector.route] + vector.text).ids
        if ids != vector.input_ids:
            raise ParityError(
                f"{path.name} gives {ids[:8]}... where sentence-transformers gives {vector.input_ids[:8]}... "
                f"for the text {vector.text[:40]!r}."
            )


def prove(path: Path, material: Material, precision: Precision) -> dict[str, Parity]:
    """Run a written graph and compare it with PyTorch.

    Returns:
        The reports `alone`, `padded` and `neighbours`: a text alone and in its batch, both by the graph.

    Raises:
        ParityError: A report misses the promise of the precision.
    """
    graph = EncoderGraph(path)
    vectors = [vector for vector in material.golden if vector.route == material.golden[0].route]
    alone = [graph.run(*_single(vector.input_ids))[0] for vector in vectors]
    padded = [row for batch in material.batches for row in graph.run(batch.input_ids, batch.attention_mask)]
    expected = [row for batch in material.batches for row in batch.rows]
    reports = {
        "alone": parity.compare([vector.row for vector in vectors], alone),
        "padded": parity.compare(expected, padded),
    }
    parity.check(reports, precision)
    return {**reports, "neighbours": parity.compare(alone, padded)}


def _single(input_ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    ids = np.array([input_ids], np.int64).reshape(1, -1)
    return ids, np.ones_like(ids)
