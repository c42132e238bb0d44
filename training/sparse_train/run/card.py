"""Add to the model card what sentence-transformers does not know: final metrics in short, and the curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SHOWN = ("ndcg@10", "mrr@10", "active_dims", "avg_flops", "spearman", "accuracy", "_ap")


def final_metrics(log: list[dict[str, Any]]) -> dict[str, float]:
    """Return the last value of each metric worth showing, in the order of their names."""
    found: dict[str, float] = {}
    for entry in log:
        found |= {name: float(value) for name, value in entry.items() if name.endswith(SHOWN)}
    return dict(sorted(found.items()))


def write_card(card: Path, log: list[dict[str, Any]], curve: str | None) -> None:
    """Put a section in front of the card's first heading of the second level.

    Args:
        card: README.md as sentence-transformers wrote it.
        log: `trainer.state.log_history`.
        curve: name of the picture beside the card, None without one.
    """
    section = ["## Training at a glance", ""]
    if curve:
        section += [f"![Loss, nDCG@10 and active dimensions over steps]({curve})", ""]
    metrics = final_metrics(log)
    if metrics:
        rows = [f"| {name.removeprefix('eval_')} | {value:.4g} |" for name, value in metrics.items()]
        section += ["| metric at the end | |", "| --- | --- |", *rows, ""]
    text = card.read_text(encoding="utf-8") if card.is_file() else "# Sparse encoder\n"
    head, mark, rest = text.partition("\n## ")
    card.write_text("\n".join([head, "", *section]) + mark + rest, encoding="utf-8")
