"""What every head offers: it turns the states of a backbone into one weight per dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import onnx_ir as ir

from sparse_client.bundle.facts import TowerFacts
from sparse_export.options import Cpu, Output, Precision


class Head(Protocol):
    """A head; `vocabulary_head`, `feature_head` and `token_head` have the implementations."""

    @property
    def weight(self) -> np.ndarray | None:
        """float32 `[dim, columns]` of its product, None where that stays in float."""

    @property
    def dimension(self) -> int:
        """Size of the vector space."""

    @property
    def columns(self) -> np.ndarray | None:
        """int32 `[columns]`, rising: the dimension of each column where some dimensions have none, else None."""

    @property
    def per_text(self) -> bool:
        """Whether in int8 its states have one scale per text, not one per row."""

    @property
    def relu_bias(self) -> np.ndarray | None:
        """float32 `[columns]`, added to its products before a relu; None where that is not what comes next."""

    def facts(self) -> TowerFacts:
        """Return what the manifest says about it."""

    def decoder(self, labels: Sequence[str], opset: int) -> ir.Model:
        """Return decode.onnx."""

    def attach(self, model: ir.Model, precision: Precision, cpu: Cpu = Cpu.ANY) -> None:
        """Replace the outputs of a backbone by weights: of all columns, or of the tokens of the text."""

    def finish(self, model: ir.Model, form: Output, max_active_dims: int | None) -> None:
        """Replace the weights by what clients take: sorted pairs, or a row of the whole dimension."""
