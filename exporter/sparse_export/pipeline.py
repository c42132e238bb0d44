"""An export, step by step: checkpoint -> golden vectors -> plan -> graph in its precision -> proof -> bundle."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx_ir as ir

from sparse_export import bundle, card, golden, manifest, proof
from sparse_export.beir import read_collection
from sparse_export.checkpoint import ROUTES, Checkpoint, read_checkpoint
from sparse_export.evaluation import Judge
from sparse_export.families import Plan, family_of
from sparse_export.graph import token_decoder
from sparse_export.judging import Court, Verdict
from sparse_export.options import ExportOptions
from sparse_export.tokenizer import effective_tokenizer, token_labels


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
    with bundle.writing(options.output, options.force) as folder:
        say("Reading the checkpoint")
        checkpoint = read_checkpoint(options)
        family = family_of(checkpoint)
        say("Encoding the golden texts with PyTorch")
        material = proof.material(checkpoint, _distinct_routes(checkpoint), golden.texts(checkpoint.max_length))
        golden.write(folder / golden.FILE, material.golden)
        judge = None
        if collection is not None:
            say("Measuring the quality of PyTorch")
            judge = Judge(checkpoint, collection, options.min_ndcg_ratio)
        say("Tracing the graph")
        assert family.plan is not None
        plan = family.plan(checkpoint, options.opset)
        _write_tokens(folder, checkpoint, plan, options)
        proof.check_tokenizer(folder / "tokenizer.json", _prompts(checkpoint), material.golden)
        court = Court(material, judge, checkpoint.encoder.max_active_dims, say)
        verdict = court.write_passing(folder / "document.onnx", plan, options)
        say("Writing the bundle")
        content = {"family": family.name, **_content(checkpoint, plan, options, verdict)}
        content["seconds"] = round(time.perf_counter() - started, 1)
        card.write(folder, content)
        return manifest.write(folder, content)


def _prompts(checkpoint: Checkpoint) -> dict[str, str]:
    return {route: checkpoint.prompt(route) for route in ROUTES}


def _distinct_routes(checkpoint: Checkpoint) -> tuple[str, ...]:
    """A symmetric model without prompts encodes both routes alike: one set of golden vectors is enough."""
    prompts = _prompts(checkpoint)
    return ROUTES if prompts["query"] != prompts["document"] else ROUTES[:1]


def _write_tokens(folder: Path, checkpoint: Checkpoint, plan: Plan, options: ExportOptions) -> None:
    tokenizer = effective_tokenizer(checkpoint.encoder.tokenizer, checkpoint.max_length)
    tokenizer.save(str(folder / "tokenizer.json"))
    ir.save(token_decoder.build(token_labels(tokenizer, plan.head.dimension), options.opset), folder / "decode.onnx")


def _content(checkpoint: Checkpoint, plan: Plan, options: ExportOptions, verdict: Verdict) -> dict[str, Any]:
    shared = {"graph": "document.onnx", "tokenizer": "tokenizer.json", "max_length": checkpoint.max_length}
    return {
        "dimension": plan.head.dimension,
        "routes": {route: {**shared, "prompt": prompt} for route, prompt in _prompts(checkpoint).items()},
        "prompts": _prompts(checkpoint),
        "max_length": checkpoint.max_length,
        "max_active_dims": checkpoint.encoder.max_active_dims,
        "pooling": plan.head.pooling,
        "activation": plan.head.activation,
        "precision": options.precision.value,
        "in_float": verdict.in_float,
        "output": options.form.value,
        "opset": options.opset,
        "ir_version": plan.states.ir_version,
        "similarity": checkpoint.encoder.similarity_fn_name,
        "backbone": {"model_type": plan.backbone.model_type, "tested": plan.backbone.tested},
        "source": {
            "id": checkpoint.source,
            "revision": checkpoint.revision,
            "sha256": checkpoint.sha256(),
            "size": checkpoint.size(),
        },
        "versions": manifest.tool_versions(),
        "parity": verdict.parity,
        "quality": verdict.quality,
    }
