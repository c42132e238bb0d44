"""Write the graphs of a plan and judge them; where int8 misses a bar, leave more and more of its products in float."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparse_client.parity.distance import Distance
from sparse_export.errors import ParityError, QualityError
from sparse_export.graph import storage
from sparse_export.graph.autoencoder import SparseFeatures
from sparse_export.graph.precision import sensitivity
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import proof
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Tower
from sparse_export.retrieval.gate import Judge

# What to do where int8 features differ from PyTorch's: no product in float mends that.
FEATURES_ADVICE = (
    " The strongest features of this autoencoder weigh nearly the same, so a small error exchanges some of them. "
    "Export it with --quantize none or fp16, or give --eval-data DIR: then ranking decides."
)


@dataclass(slots=True)
class Candidate:
    """One graph, written with more and more of its products in float.

    Attributes:
        path: Where it is written.
        tower: What it consists of.
        materials: By route, texts and PyTorch's vectors of them, for each route that goes through it.
        options: The precision, and how large a file may be.
        ranked: Ranking decides, not the vectors: a report that misses the promise does not fail.
        say: Called with the name of each step.
        in_float: Names of the products that are in float in the graph as it is written now.
        parity: The reports of `proof.prove` for it.
        sensitivity: In int8, the relative error of each product, the largest first.
    """

    path: Path
    tower: Tower
    materials: dict[str, proof.Material]
    options: ExportOptions
    ranked: bool
    say: Callable[[str], None]
    in_float: list[str] = field(default_factory=list)
    parity: dict[str, dict[str, Distance]] = field(default_factory=dict)
    sensitivity: dict[str, float] = field(default_factory=dict)
    _steps: Iterator[frozenset[str]] | None = None

    def write_next(self) -> bool:
        """Write the next graph that keeps its promise, the one with the fewest products in float.

        Returns:
            False if all have been written before.

        Raises:
            ParityError: None of those that are left keeps it; the first one's report is shown.
        """
        missed: ParityError | None = None
        for in_float in self._remaining():
            note = f", {len(in_float)} products in float" if in_float else ""
            self.say(f"Writing and proving {self.path.name} in {self.options.precision}{note}")
            model = assemble(self.tower, self.options, self._limit(), in_float)
            storage.save(model, self.path, self.options.external_data_bytes)
            self.in_float = sorted(in_float)
            self.parity = proof.prove(self.path, self.materials, self.options.precision, self.options.saturates)
            try:
                if not self.ranked:
                    proof.check(self.parity, self.options.precision)
            except ParityError as error:
                missed = missed or error
            else:
                return True
        if missed is not None:
            features = self.options.precision is Precision.INT8 and isinstance(self.tower.head, SparseFeatures)
            raise ParityError(f"{missed}{FEATURES_ADVICE}") if features else missed
        return False

    def _limit(self) -> int | None:
        return next(iter(self.materials.values())).limit

    def _remaining(self) -> Iterator[frozenset[str]]:
        if self._steps is None:
            ranking = self._rank() if self.options.precision is Precision.INT8 else []
            self.sensitivity = dict(ranking)
            self._steps = iter([frozenset[str](), *sensitivity.steps(ranking)])
        return self._steps

    def _rank(self) -> list[tuple[str, float]]:
        self.say(f"Ranking the products of {self.path.name} by their int8 error")
        vectors = [vector.inputs() for material in self.materials.values() for vector in material.golden]
        return sensitivity.rank(self.tower.states, self.tower.head, vectors, self.options.cpu)


def write_passing(
    candidates: dict[str, Candidate], paths: dict[str, Path], judge: Judge | None
) -> dict[str, Any] | None:
    """Write every graph so that each keeps its promise, and all together that of the quality gate.

    Args:
        candidates: By the route that a graph is named after.
        paths: The graph of each route.
        judge: The quality gate, None where no collection was given.

    Returns:
        The figures of the quality gate.

    Raises:
        ParityError: A graph differs too much from PyTorch, whatever stays in float.
        QualityError: They retrieve worse than asked for; the first attempt's report is shown.
    """
    for candidate in candidates.values():
        candidate.write_next()
    missed: QualityError | None = None
    exact = any(candidate.options.saturates for candidate in candidates.values())
    while judge is not None:
        try:
            return judge.judge(paths, exact)
        except QualityError as error:
            missed = missed or error
        written = [candidate.write_next() for candidate in candidates.values()]  # each goes one step on
        if not any(written):
            raise missed
    return None
