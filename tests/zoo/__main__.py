"""Build and export the checkpoint of every row, and write what came of it: `make zoo`.

make zoo                       every row, about an hour on two cores
make zoo ZOO_ARGS=splade-v3    rows whose name has this word; the others keep their figures
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from sparse_export.public_models import DATA
from zoo import checkpoints, pages
from zoo.measure import QUANTIZE, export
from zoo.rows import ROWS, Row


def main(words: list[str]) -> None:
    """Measure the rows that have one of the words in their name, all if there is none."""
    before = {tuple(row["ids"]): row for row in json.loads(DATA.read_text("utf-8"))}
    console, content = Console(stderr=True), []
    for number, row in enumerate(ROWS, start=1):
        console.print(f"{number} of {len(ROWS)}: {row.name}", highlight=False)
        chosen = not words or any(word in row.name for word in words)
        kept = before.get(row.ids, {}).get("exports", {})
        content.append(_facts(row) | {"exports": _exports(row) if chosen else kept})
        later = [before[other.ids] for other in ROWS[number:] if other.ids in before]
        DATA.write_text(json.dumps(content + later, indent=1) + "\n", "utf-8")  # a run that is cut short leaves these
    pages.write()


def _facts(row: Row) -> dict[str, Any]:
    return {"ids": row.ids, "family": row.family, "backbone": row.backbone, "refused": row.refused}


def _exports(row: Row) -> dict[str, Any]:
    if row.refused is not None:
        return {}
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = checkpoints.write(row, Path(temporary) / row.name)
        bundle = Path(temporary) / "bundle"
        return {precision: asdict(export(row, checkpoint, bundle / precision, precision)) for precision in QUANTIZE}


if __name__ == "__main__":
    main(sys.argv[1:])
