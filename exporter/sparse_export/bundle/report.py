"""The figures of an export as rows of text: for the terminal and for the model card."""

from __future__ import annotations

from typing import Any

Rows = list[tuple[str, ...]]
REPORTS = {"alone": "alone", "padded": "in padded batches", "neighbours": "alone to batched"}
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


def parity_rows(content: dict[str, Any]) -> Rows:
    """Return a head and a row for each figure of a manifest's parity reports, one column a report."""
    parity = content["parity"]
    if parity.get("query") == parity.get("document"):
        parity = {"both routes": parity["document"]}
    reports = {f"{route}, {REPORTS[name]}": report for route in parity for name, report in parity[route].items()}
    head = ("", *reports)
    # Bundles of earlier versions lack some figures.
    shown = [row for row in FIGURES if all(row[0] in report for report in reports.values())]
    return [head, *((label, *(form.format(report[key]) for report in reports.values())) for key, label, form in shown)]


def quality_rows(content: dict[str, Any]) -> Rows:
    """Return a head and a row for each side of a manifest's quality report."""
    sides = content["quality"]
    names = list(sides["pytorch"])
    return [
        ("", *(name.replace("_", " ") for name in names)),
        *((side, *(f"{figures[name]:.4g}" for name in names)) for side, figures in sides.items()),
    ]


def sensitivity_rows(content: dict[str, Any]) -> Rows:
    """Return a head and a row for each product of an int8 graph: the error that 8 bits make in it, and what it is.

    Args:
        content: A manifest, or its `query_tower`.
    """
    in_float = content.get("in_float", [])
    return [
        ("product", "relative error in int8", "is"),
        *(
            (name, str(error), "float" if name in in_float else "int8")
            for name, error in content["sensitivity"].items()
        ),
    ]


def summary_rows(content: dict[str, Any]) -> Rows:
    """Return name and value of what else is worth a line: sizes, seconds, what stayed in float."""
    graphs = sum(entry["size"] for name, entry in content["files"].items() if ".onnx" in name)
    rows: Rows = [
        ("precision", precision_of(content)),
        ("weights before", megabytes(content["source"]["size"])),
        ("graphs after", megabytes(graphs)),
        ("export", f"{content['seconds']} s"),
    ]
    if "autoencoder" in content:
        rows.append(("dead features", f"{content['autoencoder']['dead_features']} of {content['dimension']}"))
    rows += pruning_rows(content)
    if "tolerance" in content:
        rows.append(("judged by", "ranking on the collection given; the vectors alone miss the promise of int8"))
    for tower, note in ((content, ""), (content.get("query_tower", {}), ", queries")):
        if tower.get("in_float"):
            rows.append((f"left in float to keep the promise{note}", ", ".join(tower["in_float"])))
        if tower.get("backbone") and not tower["backbone"]["tested"]:
            rows.append((f"backbone{note}", f"{tower['backbone']['model_type']} (not in the tested table)"))
    return rows


def precision_of(content: dict[str, Any]) -> str:
    """Return the precision and, of int8, the processors that it is for; of old bundles those with VNNI."""
    if content["precision"] != "int8":
        return str(content["precision"])
    return "int8, any processor" if content.get("cpu") == "any" else "int8, VNNI"


def proven_rows(content: dict[str, Any]) -> Rows:
    """Return name and value of where the graphs were proven; nothing for bundles of earlier versions."""
    return [("proven on", host_line(content["proven_on"]))] if "proven_on" in content else []


def host_line(host: dict[str, str]) -> str:
    """Return a processor and its ONNX Runtime in one line."""
    return f"{host['processor']}, {host['machine']}, onnxruntime {host['onnxruntime']}"


def pruning_rows(content: dict[str, Any]) -> Rows:
    """Return name and value of what was left out of the vocabulary and what that costs; nothing where it is whole."""
    if "pruning" not in content:
        return []
    found = content["pruning"]
    cost, texts = found["held_out"], "text" if found["min_count"] == 1 else "texts"
    figures = [f"{name.replace('_', ' ')} {cost[name]:.4f}" for name in ("mean_cosine", "worst_cosine", "overlap")]
    return [
        ("columns kept", f"{found['kept']} of {content['dimension']}, {found['share_dropped']:.1%} dropped"),
        ("chosen by", f"{found['texts']} texts, active in {found['min_count']} {texts} or more"),
        (f"lost by {cost['texts']} other texts", ", ".join([f"{cost['weight_dropped']:.2%} of the weight", *figures])),
    ]


def megabytes(size: int) -> str:
    """Return a size in MB of 10^6 bytes."""
    return f"{size / 1e6:.1f} MB"
