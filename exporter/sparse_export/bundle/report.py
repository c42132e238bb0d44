"""The figures of an export as rows of text: for the terminal and for the model card."""

from __future__ import annotations

from dataclasses import asdict

from sparse_client.bundle.facts import Host, QueryTower
from sparse_client.bundle.manifest import Manifest

Rows = list[tuple[str, ...]]
REPORTS = {"alone": "alone", "padded": "in padded batches", "neighbours": "alone to batched"}
REPORTS |= {"dense_alone": "dense, alone", "dense_padded": "dense, in padded batches"}
FIGURES = (
    ("texts", "texts", "{}"),
    ("empty", "texts with empty vectors", "{}"),
    ("max_difference", "largest difference of a weight", "{:.1e}"),
    ("cut_ties", "ties at the cut, left out of it", "{}"),
    ("mean_cosine", "mean cosine", "{:.5f}"),
    ("worst_cosine", "worst cosine", "{:.5f}"),
    ("overlap", "top-64 overlap", "{:.4f}"),
    ("reference_active", "active dimensions before", "{:.1f}"),
    ("active", "active dimensions after", "{:.1f}"),
)


def parity_rows(manifest: Manifest) -> Rows:
    """Return a head and a row for each figure of a manifest's parity reports, one column a report."""
    parity = manifest.parity
    if parity.get("query") == parity.get("document"):
        parity = {"both routes": parity["document"]}
    reports = {f"{route}, {REPORTS[name]}": report for route in parity for name, report in parity[route].items()}
    head = ("", *reports)
    # Bundles of earlier versions lack some figures.
    figures = [(label, form, [getattr(report, key) for report in reports.values()]) for key, label, form in FIGURES]
    return [head, *((label, *map(form.format, values)) for label, form, values in figures if None not in values)]


def quality_rows(manifest: Manifest) -> Rows:
    """Return a head and a row for each side of a manifest's quality report; nothing where none was measured."""
    if manifest.quality is None:
        return []
    sides = {side: asdict(figures) for side, figures in manifest.quality.items()}
    names = list(sides["pytorch"])
    return [
        ("", *(name.replace("_", " ") for name in names)),
        *((side, *(f"{figures[name]:.4g}" for name in names)) for side, figures in sides.items()),
    ]


def sensitivity_rows(tower: Manifest | QueryTower) -> Rows:
    """Return a head and a row for each product of an int8 graph: the error that 8 bits make in it, and what it is."""
    kinds = {name: "float" if name in tower.in_float else "int8" for name in tower.sensitivity}
    return [
        ("product", "relative error in int8", "is"),
        *((name, str(error), kinds[name]) for name, error in tower.sensitivity.items()),
    ]


def summary_rows(manifest: Manifest) -> Rows:
    """Return name and value of what else is worth a line: sizes, seconds, what stayed in float."""
    graphs = sum(file.size for name, file in manifest.files.items() if ".onnx" in name)
    before = [("weights before", megabytes(manifest.source.size))] if manifest.source else []
    rows: Rows = [("precision", precision_of(manifest)), *before]
    rows += [("graphs after", megabytes(graphs)), ("export", f"{manifest.seconds} s")]
    if manifest.autoencoder is not None:
        rows.append(("dead features", f"{manifest.autoencoder.dead_features} of {manifest.dimension}"))
    rows += pruning_rows(manifest)
    if manifest.tolerance is not None:
        rows.append(("checked by", "ranking on the collection given; the vectors alone miss the promise of int8"))
    rows += _tower_rows(manifest, "")
    if manifest.query_tower is not None:
        rows += _tower_rows(manifest.query_tower, ", queries")
    return rows


def _tower_rows(tower: Manifest | QueryTower, note: str) -> Rows:
    rows: Rows = []
    if tower.in_float:
        rows.append((f"left in float to keep the promise{note}", ", ".join(tower.in_float)))
    if tower.backbone is not None and not tower.backbone.tested:
        rows.append((f"backbone{note}", f"{tower.backbone.model_type} (not in the tested table)"))
    return rows


def fact_rows(manifest: Manifest) -> Rows:
    """Return name and value of what a bundle is: family, sizes, settings, and where it was compared with PyTorch."""
    names = ["family", "dimension", "pooling", "activation", "special_tokens", "dense_dim", "max_length"]
    names += ["proven_tokens", "opset", "similarity", "prompts"]
    said = {name: getattr(manifest, name) for name in names}
    facts = [(name, str(value)) for name, value in said.items() if value is not None or name == "max_length"]
    passes = ", ".join(f"{name} {count}" for name, count in manifest.passes.items())
    changed = [("nodes changed", passes)] if passes else []
    proven = [("proven on", host_line(manifest.proven_on))] if manifest.proven_on else []
    return [("precision", precision_of(manifest)), *facts, *changed, *proven, *pruning_rows(manifest)]


def graph_rows(manifest: Manifest, name: str) -> Rows:
    """Return name and value of what the graph of a file consists of."""
    graph = manifest.graphs[name]
    size = sum(file.size for other, file in manifest.files.items() if other.startswith(name))
    return [
        ("graph", f"{name}, {megabytes(size)}"),
        ("inputs", ", ".join(graph.inputs)),
        ("outputs", ", ".join(graph.outputs)),
        ("operators", ", ".join(f"{count} {operator}" for operator, count in graph.operators.items())),
        ("weights", ", ".join(f"{megabytes(size)} {kind}" for kind, size in graph.weights.items()) or "none"),
    ]


def precision_of(manifest: Manifest) -> str:
    """Return the precision and, of int8, the processors that it is for; of old bundles those with VNNI."""
    if manifest.precision != "int8":
        return manifest.precision
    return "int8, VNNI" if manifest.saturates else "int8, any processor"


def host_line(host: Host) -> str:
    """Return a processor and its ONNX Runtime in one line."""
    return f"{host.processor}, {host.machine}, onnxruntime {host.onnxruntime}"


def pruning_rows(manifest: Manifest) -> Rows:
    """Return name and value of what was left out of the vocabulary and what that costs; nothing where it is whole."""
    pruning = manifest.pruning
    if pruning is None:
        return []
    cost, texts = pruning.held_out, "text" if pruning.min_count == 1 else "texts"
    figures = f"mean cosine {cost.mean_cosine:.4f}, worst cosine {cost.worst_cosine:.4f}, overlap {cost.overlap:.4f}"
    return [
        ("columns kept", f"{pruning.kept} of {manifest.dimension}, {pruning.share_dropped:.1%} dropped"),
        ("chosen by", f"{pruning.texts} texts, active in {pruning.min_count} {texts} or more"),
        (f"lost by {cost.texts} other texts", f"{cost.weight_dropped:.2%} of the weight, {figures}"),
    ]


def megabytes(size: int) -> str:
    """Return a size in MB of 10^6 bytes."""
    return f"{size / 1e6:.1f} MB"
