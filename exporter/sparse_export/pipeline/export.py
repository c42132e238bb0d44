"""An export, step by step: checkpoint -> golden vectors -> plan -> graphs in their precision -> parity -> bundle."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import onnx_ir as ir

from sparse_client.bundle.decoding import GRAPH as DECODE
from sparse_client.bundle.facts import Backbone, Distance, QueryTower, Route, Source, TowerFacts
from sparse_client.bundle.manifest import Manifest
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.parity.golden import GOLDEN
from sparse_export import golden_texts, public_models
from sparse_export.bundle import card, golden, manifest, verification
from sparse_export.bundle.writing import writing
from sparse_export.checkpoint import weights
from sparse_export.checkpoint.chain import ROUTES
from sparse_export.checkpoint.load import Checkpoint, read_checkpoint
from sparse_export.errors import UnsupportedCheckpointError
from sparse_export.graph.describe import describe
from sparse_export.options import ExportOptions, Precision
from sparse_export.parity import promise, proof, reference
from sparse_export.parity.runtime import host
from sparse_export.pipeline.backoff import Target, Written, write_passing
from sparse_export.pipeline.pruning import prune, read_corpus
from sparse_export.plan import families
from sparse_export.plan.families import Family, Plan, Tower
from sparse_export.plan.query_table import StaticTable
from sparse_export.plan.routes import read_routes, write_tokenizer
from sparse_export.retrieval.beir import read_collection
from sparse_export.retrieval.gate import measure_pytorch

log = logging.getLogger(__name__)

Reports = Mapping[str, Mapping[str, Distance]]  # by route and report
Samples = Mapping[str, proof.Samples]  # by route


def export(options: ExportOptions) -> Manifest:
    """Export a checkpoint to a verified bundle; the steps are logged.

    Args:
        options: What to export and how.

    Returns:
        The bundle's manifest.

    Raises:
        SparseExportError: If the checkpoint, an option or the output is wrong, or the graph misses its promise.
    """
    started = time.perf_counter()
    collection = read_collection(options.eval_data) if options.eval_data else None
    corpus = read_corpus(options.prune_vocabulary, options.prune_min_count) if options.prune_vocabulary else None
    with writing(options.output, options.force) as folder:
        log.info("Reading the checkpoint")
        checkpoint, family = _read(options)
        family.check_options(checkpoint, options)
        routes = read_routes(checkpoint, options.precision, options.sae_only)
        log.info("Encoding the golden texts with PyTorch")
        samples = _golden_samples(folder, checkpoint, routes, options)
        log.info("Tracing the graph")
        if options.sae_only:
            plan = families.plan_embedding(checkpoint, options.opset)
        else:
            plan = families.plan(checkpoint, options.opset, options.with_dense)
        pruning = None
        if corpus is not None:
            rows = [vector.vector for some in samples.values() for vector in some.golden]
            plan, pruning = prune(plan, corpus, checkpoint, options, rows)
        gate = None
        if collection is not None:
            log.info("Measuring the quality of PyTorch")
            gate = measure_pytorch(checkpoint, collection, plan.document.head.dimension, options.min_ndcg_ratio)
        reports = _write_beside(folder, plan, options, routes, samples)
        ranked = gate is not None and options.precision is Precision.INT8 and family.has_features
        paths = {route: folder / entry.graph for route, entry in routes.items()}
        targets = {
            name: Target(paths[name], tower, _through(name, routes, samples), options, ranked)
            for name, tower in plan.towers().items()
        }
        written, quality = write_passing(targets, paths, gate)
        log.info("Writing the bundle")
        content = _with_written(_manifest(checkpoint, family, plan, options, routes), plan, written, reports, ranked)
        seconds = round(time.perf_counter() - started, 1)
        graphs = {path.name: describe(path) for path in sorted(folder.glob("*.onnx"))}
        proven_tokens = max(len(vector.input_ids) for vector in samples["document"].golden) or None
        content = replace(content, proven_tokens=proven_tokens, pruning=pruning, quality=quality)
        content = replace(content, seconds=seconds, graphs=graphs)
        card.write(folder, content)
        content = manifest.write(folder, content)
        log.info("Reading the bundle as a client does, and replaying it")
        verification.verify(folder)
        return content


def _read(options: ExportOptions) -> tuple[Checkpoint, Family]:
    public_models.check_known(options.model)
    try:
        checkpoint = read_checkpoint(options)
        return checkpoint, families.family_of(checkpoint)
    except UnsupportedCheckpointError as error:
        advice = public_models.nearest(options.model, Path(options.model))
        raise UnsupportedCheckpointError(f"{error} {advice}") from error


def _golden_samples(
    folder: Path, checkpoint: Checkpoint, routes: Mapping[str, Route], options: ExportOptions
) -> Samples:
    """Encode the golden texts of each route, write the tokenizers and check that they give the same token ids."""
    samples = {}
    for name, entry in routes.items():
        if options.sae_only:
            samples[name] = proof.embedding_samples(checkpoint, name, golden_texts.HARD_TEXTS + golden_texts.REAL_TEXTS)
            continue
        ids = partial(reference.token_ids, checkpoint, name)
        texts = golden_texts.texts(entry.max_length, options.proof_tokens, ids)
        samples[name] = proof.text_samples(checkpoint, name, texts, options.with_dense)
        write_tokenizer(folder, checkpoint, name, entry)
        expected = {vector.text: vector.input_ids for vector in samples[name].golden}
        too_long = golden_texts.prose((entry.max_length or 0) + 20)  # is truncated, however long texts are proven
        expected[too_long] = ids(too_long)
        proof.check_tokenizer(folder, entry, expected)
    golden.write(folder / GOLDEN, [vector for part in samples.values() for vector in part.golden])
    return samples


def _write_beside(
    folder: Path, plan: Plan, options: ExportOptions, routes: Mapping[str, Route], samples: Samples
) -> Reports:
    """Write what stands beside the towers, decode.onnx and the query look-up, and check the look-up."""
    head = plan.document.head
    labels = {name: _labels(folder, route, head.dimension) for name, route in routes.items()}
    ir.save(head.decoder(labels["document"], options.opset), folder / DECODE)
    if not isinstance(plan.query, StaticTable):
        return {}
    plan.query.write(folder, labels["query"], options.opset, samples["query"].limit)
    reports = proof.prove(folder / routes["query"].graph, {"query": samples["query"]}, Precision.FP32)
    proof.check(reports, Precision.FP32)
    return reports


def _through(tower: str, routes: Mapping[str, Route], samples: Samples) -> dict[str, proof.Samples]:
    """Return the golden texts of every route that goes through a tower's graph; of two that are the same, the first."""
    found: dict[str, proof.Samples] = {}
    for name, route in routes.items():
        if route.graph == routes[tower].graph and not any(samples[name].same_as(other) for other in found.values()):
            found[name] = samples[name]
    return found


def _labels(folder: Path, route: Route, dimension: int) -> list[str]:
    if route.tokenizer is None and route.python_tokenizer is None:
        return []
    tokenizer = RouteTokenizer(folder, route)
    return [tokenizer.label(index) for index in range(dimension)]


def _manifest(
    checkpoint: Checkpoint, family: Family, plan: Plan, options: ExportOptions, routes: Mapping[str, Route]
) -> Manifest:
    """Return what is known before a graph is written."""
    document, facts = plan.document, _facts(plan.document)
    dropped = checkpoint.dropped_ids("document")
    return Manifest(
        family=family.name,
        dimension=document.head.dimension,
        routes=routes,
        prompts={name: route.prompt for name, route in routes.items()},
        max_length=routes["document"].max_length,
        max_active_dims=checkpoint.max_active_dims(),
        backbone=facts.backbone,
        pooling=facts.pooling,
        activation=facts.activation,
        autoencoder=facts.autoencoder,
        special_tokens="drop" if dropped else "keep",
        dropped_ids=tuple(dropped) or None,
        dense_dim=facts.dense_dim,
        precision=options.precision.value,
        cpu=options.cpu.value if options.precision is Precision.INT8 else None,
        output=options.form.value,
        opset=options.opset,
        ir_version=document.states.ir_version,
        similarity=checkpoint.encoder.similarity_fn_name,
        input="embedding" if options.sae_only else "tokens",
        source=Source(
            checkpoint.source, checkpoint.revision, weights.digest(checkpoint.folder), weights.size(checkpoint.folder)
        ),
        versions=manifest.tool_versions(),
        proven_on=host(),
        files={},
    )


def _facts(tower: Tower) -> TowerFacts:
    row = tower.backbone
    return replace(tower.head.facts(), backbone=Backbone(row.model_type, row.tested) if row else None)


def _with_written(
    content: Manifest, plan: Plan, written: Mapping[str, Written], reports: Reports, ranked: bool
) -> Manifest:
    """Add what the manifest says about the graphs as they were written and compared."""
    for graph in written.values():
        reports = {**reports, **graph.parity}
    query, documents = None, written["document"]
    if "query" in written:
        facts = _facts(plan.towers()["query"])
        query = QueryTower(
            backbone=facts.backbone,
            pooling=facts.pooling,
            activation=facts.activation,
            autoencoder=facts.autoencoder,
            in_float=written["query"].in_float,
            sensitivity=_rounded(written["query"].sensitivity),
            passes=written["query"].passes,
        )
    return replace(
        content,
        in_float=documents.in_float,
        sensitivity=_rounded(documents.sensitivity),
        passes=documents.passes,
        parity={route: reports.get(route, reports["document"]) for route in ROUTES},
        query_tower=query,
        tolerance=promise.tolerance_of([report["alone"] for report in reports.values()]) if ranked else None,
    )


def _rounded(errors: Mapping[str, float]) -> dict[str, float]:
    return {product: float(f"{error:.3g}") for product, error in errors.items()}
