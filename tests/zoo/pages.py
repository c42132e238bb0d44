"""The tables of public models in docs/models.md and in the README, written from public_models.json."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from sparse_export import public_models
from support.real_checkpoints import ROOT

PAGE, README = ROOT / "docs" / "models.md", ROOT / "README.md"
START, END = "<!-- make zoo writes this table -->\n", "<!-- end -->\n"
ABOUT = """# Public models

For each row a checkpoint of that shape was built here: its modules, configuration, kind of tokenizer, size of
vocabulary and length of texts, **with two layers and random weights**. `make zoo` exported it in fp32 and in int8 with
the command, verified both bundles, and wrote this page; `sparse-export models` prints it. So the figures say that each
shape is exported right, not how good a model is, and not what all its layers take. The real weights were never fetched
here.

* fp32 difference: the largest difference of a weight from PyTorch's, alone and in padded batches.
* int8 cosine: the mean cosine to PyTorch's vectors.
* seconds, peak GB: of the whole command on two cores, in fp32 and in int8. Some rows were measured beside other work,
  so their seconds say at most how long it takes.
* refused: with random weights int8 misses its promise, and the export says so and writes nothing. Trained weights of
  that shape may keep it; they were not tried.

"""


def page() -> str:
    """Return docs/models.md."""
    models = public_models.read()
    tables = (public_models.table_rows(models), public_models.refused_rows(models))
    return ABOUT + "\n".join(_markdown(rows) for rows in tables)


def readme_table() -> str:
    """Return the README's table: by family, the backbones and some models of each."""
    models = sorted((one for one in public_models.read() if one.refused is None), key=lambda one: one.family)
    rows = [("family", "backbones in the zoo", "such as")]
    for family, some in groupby(models, key=lambda one: one.family):
        group = list(some)
        backbones = sorted({one.backbone for one in group})
        rows.append((f"`{family}`", ", ".join(backbones), ", ".join(one.ids[0] for one in group[:3])))
    return _markdown(rows)


def readme() -> str:
    """Return the README with that table."""
    before, _, rest = README.read_text("utf-8").partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{readme_table()}{END}{after}"


def write() -> None:
    """Write both."""
    PAGE.write_text(page(), "utf-8")
    README.write_text(readme(), "utf-8")


def _markdown(rows: Iterable[tuple[str, ...]]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
