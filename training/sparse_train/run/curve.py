"""Draw what the log of a training says: loss, nDCG and active dimensions over steps, as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Series = list[tuple[int, float]]
PANELS = (
    ("loss", ("loss", "_loss", "_loss_k", "_loss_4k", "_loss_aux")),
    ("nDCG@10", ("_ndcg@10",)),
    ("active dimensions", ("active_dims",)),
)
"""Title of each panel, and how the names of what it shows end; a panel with nothing to show is left out."""


def series_of(log: list[dict[str, Any]], endings: tuple[str, ...]) -> dict[str, Series]:
    """Return the (step, value) pairs of every logged name with one of the endings."""
    found: dict[str, Series] = {}
    for entry in log:
        for name, value in entry.items():
            if name.endswith(endings) and name != "train_loss" and isinstance(value, (int, float)):
                found.setdefault(name, []).append((int(entry["step"]), float(value)))
    return dict(sorted(found.items()))  # a resumed log has its names in another order


def draw_curve(log: list[dict[str, Any]], path: Path) -> bool:
    """Write the curve; return False, and write nothing, where the log has no numbers.

    Args:
        log: `trainer.state.log_history`, each entry with its `step`.
        path: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [(title, series) for title, endings in PANELS if (series := series_of(log, endings))]
    if not panels:
        return False
    figure = Figure(figsize=(5 * len(panels), 4), layout="constrained")
    for number, (title, series) in enumerate(panels, 1):
        axes = figure.add_subplot(1, len(panels), number)
        for name, points in series.items():
            axes.plot(*zip(*points, strict=True), marker="." if len(points) < 30 else None, label=name)
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="x-small")
    FigureCanvasAgg(figure).print_png(str(path))
    return True
