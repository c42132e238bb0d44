"""Speed against size against fidelity, as a picture."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from peers_report import Row

FIDELITY = {0.9999: "#1a7f4b", 0.999: "#79b843", 0.99: "#e8a33d", -1.0: "#c8402f"}
"""Colours by the cosine that they stand for, at least."""
AREA_OF_A_MB = 0.7
"""In square points."""
COLUMNS = 2


def plot(rows: Sequence[Row], file: Path) -> None:
    """Draw a panel for each length and model: one bubble a contender, its area the model's size."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    cases = list(dict.fromkeys((row.words, row.model) for row in sorted(rows, key=lambda row: row.words)))
    names = list(dict.fromkeys(row.contender for row in rows))
    lines = math.ceil(len(cases) / COLUMNS)
    size = (8.5, 1.0 + (0.6 + 0.27 * len(names)) * lines)
    figure, panels = pyplot.subplots(lines, COLUMNS, figsize=size, squeeze=False, sharey=True, layout="constrained")
    for panel, case in zip_longest(panels.flat, cases):
        if case:
            _draw(panel, [row for row in rows if (row.words, row.model) == case], names)
            panel.set_title(f"{case[1]}, {case[0]} words", fontsize=9)
        else:
            panel.set_visible(False)
    figure.suptitle("Texts a second on the processor, PyTorch = 1; area: size of the model", fontsize=10)
    handles = _legend(panels[0][0])
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def _draw(panel: Any, rows: list[Row], names: list[str]) -> None:
    shown = [(row, row.speedup, row.cosine) for row in rows if row.speedup is not None and row.cosine is not None]
    for row, speedup, cosine in shown:
        place, area = (speedup, names.index(row.contender)), AREA_OF_A_MB * row.model_mb
        panel.scatter(*place, s=area, color=_colour(cosine), alpha=0.8, zorder=2)
        beside = (math.sqrt(area / math.pi) + 4, 0)
        label = f"{speedup:.1f}x, {row.model_mb:.0f} MB"
        panel.annotate(label, place, xytext=beside, textcoords="offset points", va="center", fontsize=7)
    speedups = [speedup for _, speedup, _ in shown] or [1.0]
    slowest, fastest = min(*speedups, 1.0), max(*speedups, 4.0)
    ticks = [2.0**power for power in range(-5, 7) if slowest / 1.6 < 2.0**power < fastest * 1.5]
    panel.set_xscale("log", base=2)
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8)
    panel.set_xlim(slowest / 1.6, fastest * 2.5)
    panel.set_yticks(range(len(names)), names, fontsize=8)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.axvline(1, color="#888888", linewidth=0.8, zorder=1)
    panel.grid(axis="y", color="#eeeeee", zorder=0)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def _colour(cosine: float) -> str:
    return next(colour for least, colour in FIDELITY.items() if cosine >= least)


def _legend(panel: Any) -> list[Any]:
    labels = [f"cosine to PyTorch ≥ {least}" for least in FIDELITY if least > 0] + ["less"]
    pairs = zip(FIDELITY.values(), labels, strict=True)
    return [panel.scatter([], [], s=36, color=colour, label=label) for colour, label in pairs]
