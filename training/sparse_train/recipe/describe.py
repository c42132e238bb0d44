"""Print what a recipe can say: the classes of `schema`, and what the installed libraries offer by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator

from sparse_train.recipe import library
from sparse_train.recipe.combinations import ELSEWHERE
from sparse_train.recipe.schema import ARCHITECTURES, Data, Dataset, Lookup, Model, Recipe


def describe() -> str:
    """Return the schema with defaults, as text."""
    lines = ["RECIPE", *_fields(Recipe), "", "model", *_fields(Model)]
    common = {field.name for field in dataclasses.fields(Model)}
    for name, part in ARCHITECTURES.items():
        more = [*_fields(part, common)]
        lines += ["", f"model, more where architecture is {name}", *more] if more else []
    lines += ["", "data", *_fields(Data), "", "data.train.N, data.eval.N", *_fields(Dataset)]
    lines += ["", "data.train.N.resolve.COLUMN", *_fields(Lookup)]
    for title, classes in (
        ("loss: Name, or Name: {argument: value}", library.losses()),
        ("evaluators: a list of these; data: and beir: stand for arguments that are texts", library.evaluators()),
        ("callbacks: a list of these", library.callbacks()),
    ):
        lines += ["", title]
        for name, signature in classes.items():
            lines += [f"  {name}", *_arguments(signature, "    ")]
    arguments = {key: value for key, value in library.training_arguments().items() if key not in ELSEWHERE}
    return "\n".join([*lines, "", "training", *_arguments(arguments, "  ")])


def _fields(part: type, hidden: Collection[str] = ()) -> Iterator[str]:
    for field in dataclasses.fields(part):
        if field.name in hidden:
            continue
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = "required" if required else f"= {_plain(field)}"
        allowed = f" ({', '.join(field.metadata['allowed'])})" if "allowed" in field.metadata else ""
        yield f"  {field.name}: {field.type} {default}"
        yield f"      {field.metadata['help']}{allowed}"


def _plain(field: dataclasses.Field[object]) -> object:
    if field.default is dataclasses.MISSING:
        return "{}"
    if field.default is None or isinstance(field.default, (bool, tuple)):
        return json.dumps(field.default)
    return field.default


def _arguments(signature: library.Signature, indent: str) -> Iterator[str]:
    for name, parameter in signature.items():
        yield f"{indent}{name}: {parameter}"
