"""An export, step by step: checkpoint -> golden vectors -> plan -> graphs in their precision -> proof -> bundle."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx_ir as ir
from tokenizers import Tokenizer

from sparse_export import bundle, card, decoding, golden, manifest, proof
from sparse_export.beir import read_collection
from sparse_export.checkpoint import ROUTES, Checkpoint, read_checkpoint
from sparse_export.evaluation import Judge
from sparse_export.families import Family, Plan, family_of
from sparse_export.judging import Court, Verdict
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import Parity
from sparse_export.pruning import Pruner, read_corpus
from sparse_export.routes import Route, read_routes, tokenizer_of
from sparse_export.runtime import host
from sparse_export.tokenizer import token_labels


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
    with bundle.writing(options.output, options.force) as folder:
        say("Reading the checkpoint")
        checkpoint = read_checkpoint(options)
        family = family_of(checkpoint)
        plan_from = family.planner(options)
        routes = read_routes(checkpoint, options.sae_only)
        say("Encoding the golden texts with PyTorch")
        material = _golden_material(folder, checkpoint, routes)
        say("Tracing the graph")
        plan = plan_from(checkpoint, options.opset)
        found: dict[str, Any] = {}
        if corpus is not None:
            pruner = Pruner(corpus, checkpoint, [vector.row for vector in material["document"].golden], say)
            plan, found["pruning"] = pruner.prune(plan, options, folder)
        judge = None
        if collection is not None:
            say("Measuring the quality of PyTorch")
            judge = Judge(checkpoint, collection, plan.head.dimension, options.min_ndcg_ratio)
        reports = _write_beside(folder, plan, options, routes, material)
        court = Court(material["document"], judge, checkpoint.encoder.max_active_dims, say)
        paths = {route: folder / entry.graph for route, entry in routes.items()}
        verdict = court.write_passing(paths, plan, options)
        say("Writing the bundle")
        content = _content(checkpoint, family, plan, options, routes)
        content |= found | _judged(verdict, {"document": verdict.parity, **reports})
        content["seconds"] = round(time.perf_counter() - started, 1)
        card.write(folder, content)
        return manifest.write(folder, content)


def _golden_material(folder: Path, checkpoint: Checkpoint, routes: dict[str, Route]) -> dict[str, proof.Material]:
    """Encode the golden texts of each route; where queries go the way of documents, one set is enough."""
    distinct = ROUTES[:1] if routes["query"] == routes["document"] else ROUTES
    material = {}
    for name in distinct:
        entry = routes[name]
        if entry.tokenizer is None:
            material[name] = proof.embedding_material(checkpoint, golden.texts(None))
            continue
        material[name] = proof.material(checkpoint, name, golden.texts(entry.max_length))
        tokenizer = tokenizer_of(checkpoint, name)
        # Not by its own `save`, which tells of a full disk in an error of its own.
        (folder / entry.tokenizer).write_text(tokenizer.to_str(pretty=True), encoding="utf-8")
        proof.check_tokenizer(folder / entry.tokenizer, entry.prompt, entry.add_special_tokens, material[name].golden)
    golden.write(folder / golden.FILE, [vector for part in material.values() for vector in part.golden])
    return material


def _write_beside(
    folder: Path, plan: Plan, options: ExportOptions, routes: dict[str, Route], material: dict[str, proof.Material]
) -> dict[str, dict[str, Parity]]:
    """Write what stands beside the document graph, decode.onnx and the query look-up, and prove the look-up."""
    labels = {name: _labels(folder, route, plan.head.dimension) for name, route in routes.items()}
    ir.save(plan.head.decoder(labels["document"], options.opset), folder / decoding.FILE)
    decoding.check(folder / decoding.FILE, material["document"].golden, labels["document"])
    if plan.table is None:
        return {}
    plan.table.write(folder, labels["query"], options.opset, options.max_active_dims)
    return {"query": proof.prove(folder / routes["query"].graph, material["query"], Precision.FP32)}


def _labels(folder: Path, route: Route, dimension: int) -> list[str]:
    return token_labels(Tokenizer.from_file(str(folder / route.tokenizer)), dimension) if route.tokenizer else []


def _content(
    checkpoint: Checkpoint, family: Family, plan: Plan, options: ExportOptions, routes: dict[str, Route]
) -> dict[str, Any]:
    return {
        "family": family.name,
        "dimension": plan.head.dimension,
        "routes": {name: route.as_dict() for name, route in routes.items()},
        "prompts": {name: route.prompt for name, route in routes.items()},
        "max_length": routes["document"].max_length,
        "max_active_dims": checkpoint.encoder.max_active_dims,
        **plan.head.describe(),
        "precision": options.precision.value,
        **({"cpu": options.cpu.value} if options.precision is Precision.INT8 else {}),
        "output": options.form.value,
        "opset": options.opset,
        "ir_version": plan.states.ir_version,
        "similarity": checkpoint.encoder.similarity_fn_name,
        "input": "embedding" if options.sae_only else "tokens",
        "backbone": plan.backbone and {"model_type": plan.backbone.model_type, "tested": plan.backbone.tested},
        "source": {
            "id": checkpoint.source,
            "revision": checkpoint.revision,
            "sha256": checkpoint.sha256(),
            "size": checkpoint.size(),
        },
        "versions": manifest.tool_versions(),
        "proven_on": host(),
    }


def _judged(verdict: Verdict, reports: dict[str, dict[str, Parity]]) -> dict[str, Any]:
    return {
        "in_float": verdict.in_float,
        "sensitivity": {product: float(f"{error:.3g}") for product, error in verdict.sensitivity.items()},
        "parity": {
            route: {name: parity.as_dict() for name, parity in by_name.items()} for route, by_name in reports.items()
        },
        "quality": verdict.quality,
    }
