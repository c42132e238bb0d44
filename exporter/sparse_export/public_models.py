"""The public models of the zoo: what a checkpoint of each shape gave, or why it is not exported.

`make zoo` writes public_models.json; weights were random, so the figures say that the graph computes what PyTorch does,
not how good a model is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sparse_export.errors import UnsupportedCheckpointError

DATA = Path(__file__).with_name("public_models.json")
HEAD = ("model", "family", "backbone", "fp32 difference", "int8 cosine", "seconds", "peak GB")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the export of one precision gave.

    Attributes:
        difference: Largest difference of a weight from PyTorch's; None where it was refused.
        cosine: Mean cosine to PyTorch's vectors; None where it was refused.
        seconds: Of the command.
        peak_mb: Memory of its process, in MB.
        refused: The sentence with which it was refused.
    """

    difference: float | None
    cosine: float | None
    seconds: float
    peak_mb: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class PublicModel:
    """Models of one shape.

    Attributes:
        ids: Their names on the hub; `*` stands for anything.
        family: As a manifest names it; empty where it is refused.
        backbone: `model_type` of the transformer.
        refused: Why none is exported, in one sentence.
        exports: By precision; empty where it is refused, or the zoo has not measured it yet.
    """

    ids: tuple[str, ...]
    family: str
    backbone: str
    refused: str | None
    exports: dict[str, Measured]


def read() -> list[PublicModel]:
    """Return every row, in the order of the table."""
    return [
        PublicModel(
            **{**row, "ids": tuple(row["ids"])},
            exports={name: Measured(**one) for name, one in exports.items()},
        )
        for row in json.loads(DATA.read_text("utf-8"))
        for exports in [row.pop("exports")]
    ]


def table_rows(models: list[PublicModel]) -> list[tuple[str, ...]]:
    """Return the head and a row for each model that is exported."""
    return [HEAD, *(_row(model) for model in models if model.refused is None)]


def refused_rows(models: list[PublicModel]) -> list[tuple[str, ...]]:
    """Return a head and a row for each model, or precision of one, that is refused."""
    rows: list[tuple[str, ...]] = [("not exported", "why")]
    rows += [(", ".join(model.ids), model.refused) for model in models if model.refused]
    rows += [
        (f"{', '.join(model.ids)} in {precision}", one.refused)
        for model in models
        for precision, one in model.exports.items()
        if one.refused
    ]
    return rows


def check_known(name: str) -> None:
    """Refuse a hub id of which it is known that it cannot be exported right; a folder may have any name.

    Raises:
        UnsupportedCheckpointError: It is one; the sentence of its row says why.
    """
    for model in () if Path(name).is_dir() else read():
        if model.refused and any(fnmatch(name, pattern) for pattern in model.ids):
            raise UnsupportedCheckpointError(f"'{name}' is not exported. {model.refused}")


def nearest(name: str, folder: Path) -> str:
    """Name the exported model that is most like another one: of the same backbone if there is one, by its name then.

    Args:
        name: The other model, as the user named it.
        folder: Where its config.json is, if it is there.
    """
    exported = [model for model in read() if model.refused is None]
    kind = _model_type(folder)
    alike = [model for model in exported if model.backbone == kind] or exported
    wanted = name.rpartition("/")[2].lower()
    ids = [one for model in alike for one in model.ids]
    best = max(ids, key=lambda one: SequenceMatcher(None, wanted, one.rpartition("/")[2].lower()).ratio())
    return f"The nearest model that is exported is {best}; `sparse-export models` lists all."


def _model_type(folder: Path) -> str | None:
    try:
        content: Any = json.loads((folder / "config.json").read_text("utf-8"))
        return str(content["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _row(model: PublicModel) -> tuple[str, ...]:
    if not model.exports:
        return (", ".join(model.ids), model.family, model.backbone, *["not measured yet"] * 4)
    fp32, int8 = model.exports["fp32"], model.exports["int8"]
    return (
        ", ".join(model.ids),
        model.family,
        model.backbone,
        "refused" if fp32.difference is None else f"{fp32.difference:.1e}",
        "refused" if int8.cosine is None else f"{int8.cosine:.4f}",
        f"{fp32.seconds:.0f}, {int8.seconds:.0f}",
        f"{fp32.peak_mb / 1000:.1f}, {int8.peak_mb / 1000:.1f}",
    )
