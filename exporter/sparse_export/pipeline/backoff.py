"""Write the graphs of a plan and check them; where int8 misses a bar, leave more and more of its products in float."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparse_client.bundle.facts import Distance, Quality
from sparse_export.errors import ParityError, QualityError
from sparse_export.graph.feature_head import FeatureHead
from sparse_export.graph.precision import sensitivity
from sparse_export.graph.tape import save
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import proof
from sparse_export.plan.build_graph import assemble
from sparse_export.plan.families import Tower
from sparse_export.retrieval import gate as quality

log = logging.getLogger(__name__)

# What to do where int8 features differ from PyTorch's: no product in float mends that.
FEATURES_ADVICE = (
    " The strongest features of this autoencoder weigh nearly the same, so a small error exchanges some of them. "
    "Export it in fp32 or fp16, or give eval_data: then ranking decides."
)


@dataclass(frozen=True, slots=True)
class Target:
    """One graph to write.

    Attributes:
        path: Where it is written.
        tower: What it consists of.
        samples: By route, texts and PyTorch's vectors of them, for each route that goes through it.
        options: The precision, and how large a file may be.
        ranked: Ranking decides, not the vectors: a report that misses the promise does not fail.
    """

    path: Path
    tower: Tower
    samples: Mapping[str, proof.Samples]
    options: ExportOptions
    ranked: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A graph as it is written now.

    Attributes:
        in_float: Names of the products that stayed in float.
        sensitivity: In int8, the relative error of each product, the largest first.
        passes: By the name of each pass, the number of nodes that it changed.
        parity: The reports of `proof.prove` for it.
    """

    in_float: tuple[str, ...]
    sensitivity: dict[str, float]
    passes: dict[str, int]
    parity: dict[str, dict[str, Distance]]


def write_passing(
    targets: Mapping[str, Target], paths: dict[str, Path], gate: quality.Gate | None
) -> tuple[dict[str, Written], dict[str, Quality] | None]:
    """Write every graph so that each keeps its promise, and all together pass the quality gate.

    Args:
        targets: By the route that a graph is named after.
        paths: The graph of each route.
        gate: The quality gate, None where no collection was given.

    Returns:
        What was written, by the same names, and the figures of the quality gate.

    Raises:
        ParityError: If a graph differs too much from PyTorch, whatever stays in float.
        QualityError: If they retrieve worse than asked for; the first attempt's report is shown.
    """
    attempts = {name: _attempts(target) for name, target in targets.items()}
    written = {name: next(tries) for name, tries in attempts.items()}
    if gate is None:
        return written, None
    exact = any(target.options.saturates for target in targets.values())
    missed: QualityError | None = None
    while True:
        try:
            return written, quality.check(gate, paths, exact)
        except QualityError as error:
            missed = missed or error
        # Each goes one step on.
        further = {name: step for name, tries in attempts.items() if (step := next(tries, None)) is not None}
        if not further:
            raise missed
        written |= further


def _attempts(target: Target) -> Iterator[Written]:
    """Write the graph again and again, with more and more products in float; yield each that keeps its promise.

    Raises:
        ParityError: If no graph that is left keeps it; the report of the first of them is shown.
    """
    ranking = _rank(target) if target.options.precision is Precision.INT8 else []
    missed: ParityError | None = None
    for in_float in (frozenset[str](), *sensitivity.steps(ranking)):
        parity, changed = _write(target, in_float)
        try:
            if not target.ranked:
                proof.check(parity, target.options.precision)
        except ParityError as error:
            missed = missed or error
            continue
        missed = None
        yield Written(tuple(sorted(in_float)), dict(ranking), changed, parity)
    if missed is not None:
        features = target.options.precision is Precision.INT8 and isinstance(target.tower.head, FeatureHead)
        raise ParityError(f"{missed}{FEATURES_ADVICE}") if features else missed


def _rank(target: Target) -> list[tuple[str, float]]:
    log.info("Ranking the products of %s by their int8 error", target.path.name)
    vectors = [vector.inputs() for samples in target.samples.values() for vector in samples.golden]
    options, tower = target.options, target.tower
    return sensitivity.rank(tower.states, tower.head, vectors, options.cpu, options.external_data_bytes)


def _write(target: Target, in_float: frozenset[str]) -> tuple[dict[str, dict[str, Distance]], dict[str, int]]:
    options, note = target.options, f", {len(in_float)} products in float" if in_float else ""
    log.info("Writing and checking %s in %s%s", target.path.name, options.precision, note)
    limit = next(iter(target.samples.values())).limit
    model, changed = assemble(target.tower, options, limit, in_float)
    save(model, target.path, options.external_data_bytes)
    return proof.prove(target.path, target.samples, options.precision, options.saturates), changed
