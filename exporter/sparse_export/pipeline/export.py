"""An export, step by step: checkpoint -> golden vectors -> plan -> graphs in their precision -> proof -> bundle."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx_ir as ir
from tokenizers import Tokenizer

from sparse_client.bundle.decoding import GRAPH as DECODE
from sparse_client.parity.distance import Distance
from sparse_client.parity.golden import GOLDEN
from sparse_client.vectors import SparseVector
from sparse_export import golden_texts
from sparse_export.bundle import card, golden, manifest, verification
from sparse_export.bundle.writing import writing
from sparse_export.checkpoint.chain import ROUTES
from sparse_export.checkpoint.load import Checkpoint, read_checkpoint
from sparse_export.checkpoint.tokenizer import token_labels
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import promise, proof
from sparse_export.parity.runtime import host
from sparse_export.pipeline.backoff import Candidate, write_passing
from sparse_export.pipeline.pruning import Pruner, read_corpus
from sparse_export.plan import families
from sparse_export.plan.families import Family, Plan, Tower
from sparse_export.plan.query_table import StaticTable
from sparse_export.plan.routes import Route, read_routes, tokenizer_of
from sparse_export.retrieval.beir import read_collection
from sparse_export.retrieval.gate import Judge

Reports = dict[str, dict[str, Distance]]


def export(options: ExportOptions, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Export a checkpoint to a verified bundle.

    Args:
        options: What to export and how.
        say: Is told the name of each step as it begins.

    Returns:
        The bundle's manifest.

    Raises:
        SparseExportError: The checkpoint, an option or the output is wrong, or the graph misses its promise.
    """
    started = time.perf_counter()
    collection = read_collection(options.eval_data) if options.eval_data else None
    corpus = read_corpus(options.prune_vocabulary, options.prune_min_count) if options.prune_vocabulary else None
    with writing(options.output, options.force) as folder:
        say("Reading the checkpoint")
        checkpoint = read_checkpoint(options)
        family = families.family_of(checkpoint)
        family.check_options(checkpoint, options)
        routes = read_routes(checkpoint, options.precision, options.sae_only)
        say("Encoding the golden texts with PyTorch")
        materials = _golden_materials(folder, checkpoint, routes)
        say("Tracing the graph")
        plan = (families.plan_embedding if options.sae_only else families.plan)(checkpoint, options.opset)
        found: dict[str, Any] = {}
        if corpus is not None:
            pruner = Pruner(corpus, checkpoint, _rows(materials), say)
            plan, found["pruning"] = pruner.prune(plan, options, folder)
        judge = None
        if collection is not None:
            say("Measuring the quality of PyTorch")
            judge = Judge(checkpoint, collection, plan.document.head.dimension, options.min_ndcg_ratio)
        reports = _write_beside(folder, plan, options, routes, materials)
        ranked = judge is not None and options.precision is Precision.INT8 and family.has_features
        paths = {route: folder / entry.graph for route, entry in routes.items()}
        candidates = {
            name: Candidate(paths[name], tower, _through(name, routes, materials), options, ranked, say)
            for name, tower in plan.towers().items()
        }
        quality = write_passing(candidates, paths, judge)
        say("Writing the bundle")
        content = _content(checkpoint, family, plan, options, routes)
        content |= found | _judged(candidates, reports) | {"quality": quality}
        content["seconds"] = round(time.perf_counter() - started, 1)
        card.write(folder, content)
        content = manifest.write(folder, content)
        say("Reading the bundle as a client does, and replaying it")
        verification.verify(folder)
        return content


def _golden_materials(folder: Path, checkpoint: Checkpoint, routes: dict[str, Route]) -> dict[str, proof.Material]:
    """Encode the golden texts of each route, write the tokenizers and check that they give the same token ids."""
    materials = {}
    for name, entry in routes.items():
        if entry.tokenizer is None:
            materials[name] = proof.embedding_material(checkpoint, name, golden_texts.texts(None))
            continue
        materials[name] = proof.material(checkpoint, name, golden_texts.texts(entry.max_length))
        tokenizer = tokenizer_of(checkpoint, name)
        # Not by its own `save`, which tells of a full disk in an error of its own.
        (folder / entry.tokenizer).write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
        proof.check_tokenizer(folder / entry.tokenizer, entry.prompt, entry.add_special_tokens, materials[name].golden)
    golden.write(folder / GOLDEN, [vector for part in materials.values() for vector in part.golden])
    return materials


def _rows(materials: dict[str, proof.Material]) -> list[SparseVector]:
    """Return PyTorch's vectors of all golden texts."""
    return [vector.vector for material in materials.values() for vector in material.golden]


def _write_beside(
    folder: Path, plan: Plan, options: ExportOptions, routes: dict[str, Route], materials: dict[str, proof.Material]
) -> Reports:
    """Write what stands beside the towers, decode.onnx and the query look-up, and prove the look-up."""
    head = plan.document.head
    labels = {name: _labels(folder, route, head.dimension) for name, route in routes.items()}
    ir.save(head.decoder(labels["document"], options.opset), folder / DECODE)
    if not isinstance(plan.query, StaticTable):
        return {}
    plan.query.write(folder, labels["query"], options.opset, materials["query"].limit)
    reports = proof.prove(folder / routes["query"].graph, {"query": materials["query"]}, Precision.FP32)
    proof.check(reports, Precision.FP32)
    return reports


def _through(tower: str, routes: dict[str, Route], materials: dict[str, proof.Material]) -> dict[str, proof.Material]:
    """Return the golden texts of every route that goes through a tower's graph; of two that are the same, the first."""
    found: dict[str, proof.Material] = {}
    for name, route in routes.items():
        if route.graph == routes[tower].graph and not any(materials[name].same_as(other) for other in found.values()):
            found[name] = materials[name]
    return found


def _labels(folder: Path, route: Route, dimension: int) -> list[str]:
    return token_labels(Tokenizer.from_file(str(folder / route.tokenizer)), dimension) if route.tokenizer else []


def _content(
    checkpoint: Checkpoint, family: Family, plan: Plan, options: ExportOptions, routes: dict[str, Route]
) -> dict[str, Any]:
    document = plan.document
    return {
        "family": family.name,
        "dimension": document.head.dimension,
        "routes": {name: route.as_dict() for name, route in routes.items()},
        "prompts": {name: route.prompt for name, route in routes.items()},
        "max_length": routes["document"].max_length,
        "max_active_dims": checkpoint.max_active_dims(),
        **_described(document),
        "precision": options.precision.value,
        **({"cpu": options.cpu.value} if options.precision is Precision.INT8 else {}),
        "output": options.form.value,
        "opset": options.opset,
        "ir_version": document.states.ir_version,
        "similarity": checkpoint.encoder.similarity_fn_name,
        "input": "embedding" if options.sae_only else "tokens",
        "source": {
            "id": checkpoint.source,
            "revision": checkpoint.revision,
            "sha256": checkpoint.sha256(),
            "size": checkpoint.size(),
        },
        "versions": manifest.tool_versions(),
        "proven_on": host(),
    }


def _described(tower: Tower) -> dict[str, Any]:
    backbone = tower.backbone and {"model_type": tower.backbone.model_type, "tested": tower.backbone.tested}
    return {"backbone": backbone, **tower.head.describe()}


def _judged(candidates: dict[str, Candidate], reports: Reports) -> dict[str, Any]:
    """Return what the manifest says of the graphs as they were judged, those of documents first."""
    found = {name: _kept(candidate) for name, candidate in candidates.items()}
    for candidate in candidates.values():
        reports = reports | candidate.parity
    content: dict[str, Any] = {
        **found["document"],
        "parity": {route: _as_dicts(reports.get(route, reports["document"])) for route in ROUTES},
    }
    if "query" in candidates:
        content["query_tower"] = {**_described(candidates["query"].tower), **found["query"]}
    if any(candidate.ranked for candidate in candidates.values()):
        content["tolerance"] = promise.tolerance_of([report["alone"] for report in reports.values()])
    return content


def _as_dicts(reports: dict[str, Distance]) -> dict[str, dict[str, float]]:
    return {name: asdict(report) for name, report in reports.items()}


def _kept(candidate: Candidate) -> dict[str, Any]:
    errors = {product: float(f"{error:.3g}") for product, error in candidate.sensitivity.items()}
    return {"in_float": candidate.in_float, "sensitivity": errors}
