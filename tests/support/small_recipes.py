"""What the tests of training share: rows, and the parts of a small recipe."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from support.tiny_checkpoints import WORDS

CHOICES = WORDS.split()
TRAINING = {"max_steps": 4, "per_device_train_batch_size": 8, "logging_steps": 2, "save_steps": 2, "use_cpu": True}
SPLADE_LOSS = {
    "SpladeLoss": {
        "loss": "SparseMultipleNegativesRankingLoss",
        "document_regularizer_weight": 3e-5,
        "query_regularizer_weight": 5e-5,
    }
}
ROUTES = {"query": "query", "answer": "document"}
Recipe = dict[str, Any]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def sentence(generator: random.Random, words: int) -> str:
    return " ".join(generator.sample(CHOICES, words))
