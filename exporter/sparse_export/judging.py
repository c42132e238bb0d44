"""Write the document graph and judge it; where int8 misses a bar, leave more and more of its products in float."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparse_export import proof
from sparse_export.assemble import assemble
from sparse_export.errors import ParityError, QualityError
from sparse_export.evaluation import Judge
from sparse_export.families import Plan
from sparse_export.graph import storage
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import Parity
from sparse_export.precision import sensitivity


@dataclass(frozen=True, slots=True)
class Verdict:
    """A graph that kept its promise.

    Attributes:
        parity: The reports of `proof.prove` by name.
        quality: The figures of the quality gate, None where nothing was given to measure.
        in_float: Names of the products that had to stay in float for it.
        sensitivity: In int8, the relative error of each product, the largest first.
    """

    parity: dict[str, Parity]
    quality: dict[str, Any] | None
    in_float: list[str]
    sensitivity: dict[str, float]


@dataclass(frozen=True, slots=True)
class Court:
    """Everything that judges the document graph of a plan.

    Attributes:
        material: Texts and PyTorch's vectors of them.
        judge: The quality gate, None where no collection was given.
        max_active_dims: Of the graph.
        say: Is told each step.
    """

    material: proof.Material
    judge: Judge | None
    max_active_dims: int | None
    say: Callable[[str], None]

    def write_passing(self, paths: dict[str, Path], plan: Plan, options: ExportOptions) -> Verdict:
        """Write the first graph that passes, the one with the fewest products in float.

        Args:
            paths: The graph of each route; that of documents is written here.
            plan: What was traced.
            options: The precision, and how large a file may be.

        Raises:
            ParityError: Even the last attempt differs too much from PyTorch; the first attempt's report is shown.
            QualityError: Likewise for the quality gate.
        """
        ranking = self._rank(plan, options) if options.precision is Precision.INT8 else []
        missed: ParityError | QualityError | None = None
        for in_float in [frozenset[str](), *sensitivity.steps(ranking)]:
            note = f", {len(in_float)} products in float" if in_float else ""
            self.say(f"Writing and proving the {options.precision} graph{note}")
            model = assemble(plan, options, self.max_active_dims, in_float)
            storage.save(model, paths["document"], options.external_data_bytes)
            try:
                reports = proof.prove(paths["document"], self.material, options.precision, options.saturates)
                quality = self.judge.judge(paths, options.saturates) if self.judge else None
            except (ParityError, QualityError) as error:
                missed = missed or error
            else:
                return Verdict(reports, quality, sorted(in_float), dict(ranking))
        assert missed is not None
        raise missed

    def _rank(self, plan: Plan, options: ExportOptions) -> list[tuple[str, float]]:
        self.say("Ranking the products by their int8 error")
        inputs = [vector.inputs() for vector in self.material.golden]
        return sensitivity.rank(plan.states, plan.head, inputs, options.cpu)
