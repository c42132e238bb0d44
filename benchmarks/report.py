"""What the benchmark found, as rows for JSON and as a table for reading."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from contender import Contender, Round

LIBRARIES = ("torch", "sentence-transformers", "onnxruntime", "tokenizers")
COLUMNS = ("model", "contender", "docs/s", "median", "ratio", "memory GB", "ratio", "files MB", "active", "export s")

QUIET = 0.2
"""Cores in use by others beyond which a run says little."""


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one contender.

    Attributes:
        best: documents a second in the fastest round, the one least disturbed by other work on the machine.
        median: documents a second in the middle round.
        speedup: `best` over the reference's `best`.
        memory_gb: peak of the process, its libraries and its model included.
        memory_ratio: `memory_gb` over the reference's.
        files_mb: the model's files.
        active_dims: mean active dimensions of a document, to see that all contenders compute the same.
        export_s: wall time of `sparse-export`; None where nothing was exported.
        seconds: every round.
        others: cores that other processes kept busy in each round.
    """

    model: str
    contender: str
    batch_size: int
    best: float
    median: float
    speedup: float
    memory_gb: float
    memory_ratio: float
    files_mb: float
    active_dims: float
    export_s: float | None
    seconds: list[float]
    others: list[float]


def make_rows(model: str, texts: int, rounds: dict[Contender, list[Round]], export_s: dict[str, float]) -> list[Row]:
    """Return a row for each contender of one model; the first one is the reference."""
    first = next(iter(rounds.values()))
    reference_s, reference_gb = min(done.seconds for done in first), first[-1].peak_gb
    rows = []
    for contender, done in rounds.items():
        seconds = [one.seconds for one in done]
        row = Row(
            model=model,
            contender=contender.name,
            batch_size=contender.batch_size,
            best=texts / min(seconds),
            median=texts / median(seconds),
            speedup=reference_s / min(seconds),
            memory_gb=done[-1].peak_gb,
            memory_ratio=done[-1].peak_gb / reference_gb,
            files_mb=contender.megabytes,
            active_dims=done[-1].active_dims,
            export_s=export_s.get(contender.name),
            seconds=seconds,
            others=[one.others for one in done],
        )
        rows.append(row)
    return rows


def make_table(rows: list[Row]) -> Table:
    """Lay the rows out for a terminal."""
    others = max(max(row.others) for row in rows)
    caption = f"Other processes took up to {others:.1f} cores meanwhile" + (
        "; repeat on an idle machine" * (others > QUIET)
    )
    table = Table(title="Text to sparse vectors: documents a second, best of the rounds and median", caption=caption)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for number, row in enumerate(rows):
        last = number + 1 == len(rows) or rows[number + 1].model != row.model
        table.add_row(*_cells(row), end_section=last)
    return table


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{row.model}, batch {row.batch_size}",
        row.contender,
        f"{row.best:.1f}",
        f"{row.median:.1f}",
        f"{row.speedup:.2f}x",
        f"{row.memory_gb:.2f}",
        f"1/{1 / row.memory_ratio:.1f}",
        f"{row.files_mb:.1f}",
        f"{row.active_dims:.0f}",
        "" if row.export_s is None else f"{row.export_s:.1f}",
    )


def as_json(rows: list[Row], settings: dict[str, Any]) -> dict[str, Any]:
    """Return what is needed to compare with another run: figures, settings, machine and versions."""
    return {"settings": settings, "machine": machine(), "versions": versions(), "rows": [asdict(row) for row in rows]}


def machine() -> dict[str, Any]:
    """Return what a ratio depends on."""
    cores, names = os.cpu_count(), Path("/proc/cpuinfo")
    lines = names.read_text("utf-8").splitlines() if names.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    processor = model or platform.machine()
    return {"cores": cores, "processor": processor, "python": platform.python_version()}


def versions() -> dict[str, str]:
    """Return the versions of the libraries in this environment."""
    return {name: version(name) for name in LIBRARIES}
