"""Fill the classes of `schema` from plain values; every error has the path of the key and what is allowed."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from sparse_train.errors import RecipeError
from sparse_train.recipe import library
from sparse_train.recipe.schema import ARCHITECTURES, Component, Dataset, Model, Recipe
from sparse_train.recipe.values import expect_complete, expect_known, expect_mapping, expect_type

Part = TypeVar("Part")

# Arguments that the library takes as functions or classes, and the names that stand for them in a recipe.
CHOICES: dict[str, tuple[str, ...]] = {
    "similarity_fct": tuple(
        f"{pair}{name}"
        for pair in ("", "pairwise_")
        for name in ("cos_sim", "dot_score", "euclidean_sim", "manhattan_sim")
    ),
    "distance_metric": ("COSINE", "EUCLIDEAN", "MANHATTAN"),
    "loss_fct": ("HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss"),
    "cos_score_transformation": ("Identity", "ReLU", "Sigmoid", "Tanh"),
}
NESTED_LOSSES = ("loss", "document_regularizer", "query_regularizer")
MODEL_NAMES = ("teacher_model",)
"""Arguments that the library takes as a model, and a recipe as its folder or hub id."""


def read_recipe_value(value: Any) -> Recipe:
    """Return the recipe that a mapping describes.

    Raises:
        RecipeError: a key is unknown or missing, or a value of the wrong type.
    """
    names = {field.name for field in dataclasses.fields(Recipe)}
    named = expect_mapping(value, "recipe", names).get("architecture")
    architecture = expect_known(named, ARCHITECTURES, "architecture", "architecture")
    recipe = _read_part(Recipe, value, "recipe", model=ARCHITECTURES[architecture])
    for name, setting in recipe.training.items():
        parameter = _known_argument(name, library.training_arguments(), "training")
        expect_type(setting, parameter.annotation, f"training.{name}")
    return recipe


def _read_part(part: type[Part], value: Any, path: str, model: type[Model] = Model) -> Part:
    fields = {field.name: field for field in dataclasses.fields(part)}  # type: ignore[arg-type]
    given = expect_mapping(value, path, fields)
    required = [name for name, field in fields.items() if _is_required(field) and name not in given]
    if required:
        raise RecipeError(f"{path}: {', '.join(required)} must be given.")
    inside = "" if path == "recipe" else f"{path}."
    read: dict[str, Any] = {}
    for name, content in given.items():
        if name == "model" and part is Recipe:
            read[name] = _read_part(model, content, "model")
        else:
            read[name] = _read_field(fields[name], content, f"{inside}{name}")
    return part(**read)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _read_field(field: dataclasses.Field[Any], value: Any, path: str) -> Any:
    rules = field.metadata
    several = str(field.type).startswith("tuple")
    if "part" in rules or "component" in rules:
        if value is None and not _is_required(field):
            return field.default
        read = _READERS[rules["component"]] if "component" in rules else lambda v, p: _read_part(rules["part"], v, p)
        if str(field.type).startswith("dict"):
            expect_type(value, "dict[str, Any]", path)
            return {name: read(item, f"{path}.{name}") for name, item in value.items()}
        return _read_list(read, value, path) if several else read(value, path)
    expect_type(value, str(field.type), path)
    if "allowed" in rules:
        expect_known(value, rules["allowed"], path, "value")
    if value is not None and value != (least := rules.get("least", value)) and value < least:
        raise RecipeError(f"{path}: expected {least} or more, got {value}.")
    return value


def _read_list(read: Any, value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise RecipeError(f"{path}: expected a list, got {type(value).__name__}; start each item with a dash.")
    return tuple(read(item, f"{path}.{number}") for number, item in enumerate(value))


def _read_component(value: Any, path: str, known: dict[str, library.Signature], kind: str) -> tuple[str, str, Any]:
    """Split `Name` or `{Name: {argument: value}}`; return the name, the path of its arguments, and these."""
    if isinstance(value, dict) and len(value) == 1:
        (name, arguments), *_ = value.items()
    else:
        name, arguments = value, None
    if not isinstance(name, str):
        raise RecipeError(f"{path}: expected the name of one {kind}, or {{name: {{argument: value}}}}, got {value!r}.")
    expect_known(name, known, path, kind)
    return name, f"{path}.{name}", {} if arguments is None else arguments


def read_loss(value: Any, path: str) -> Component:
    """Return a loss with its arguments, losses within it included."""
    name, inside, arguments = _read_component(value, path, library.losses(), "loss")
    signature = library.losses()[name]
    read: dict[str, Any] = {}
    for key, argument in expect_mapping(arguments, inside, signature).items():
        if key in NESTED_LOSSES and argument is not None:
            read[key] = read_loss(argument, f"{inside}.{key}")
        else:
            read[key] = _read_argument(key, argument, signature, inside)
    expect_complete(read, signature, inside)
    return Component(name, read)


def read_callback(value: Any, path: str) -> Component:
    """Return a callback with its arguments; the loss that one of them takes is the recipe's."""
    name, inside, arguments = _read_component(value, path, library.callbacks(), "callback")
    signature = {key: parameter for key, parameter in library.callbacks()[name].items() if key != "loss"}
    given = expect_mapping(arguments, inside, signature)
    expect_complete(given, signature, inside)
    return Component(name, {key: _read_argument(key, argument, signature, inside) for key, argument in given.items()})


def read_evaluator(value: Any, path: str) -> Component:
    """Return an evaluator with its arguments.

    Lists of texts may come from columns of the same names of a data set under `data`, lists of rows from a data set
    under their own name, and queries, corpus and relevant_docs from a folder in BEIR's layout under `beir`.
    """
    name, inside, arguments = _read_component(value, path, library.evaluators(), "evaluator")
    signature = library.evaluators()[name]
    extra = {"data"} | ({"beir"} if "relevant_docs" in signature else set())
    read: dict[str, Any] = {}
    for key, argument in expect_mapping(arguments, inside, {*signature, *extra}).items():
        where = f"{inside}.{key}"
        if key == "beir":
            read[key] = expect_type(argument, "str", where)
        elif key == "data" or (isinstance(argument, dict) and signature[key].annotation.startswith("list[dict")):
            read[key] = _read_part(Dataset, argument, where)
        elif key == "evaluators":
            read[key] = _read_list(read_evaluator, argument, where)
        else:
            read[key] = _read_argument(key, argument, signature, inside)
    if "data" not in read and "beir" not in read:
        expect_complete(read, signature, inside)
    return Component(name, read)


_READERS = {"loss": read_loss, "evaluator": read_evaluator, "callback": read_callback}


def _read_argument(key: str, value: Any, signature: library.Signature, path: str) -> Any:
    where = f"{path}.{key}"
    if key in CHOICES:
        return expect_known(value, CHOICES[key], where, "value")
    if key in MODEL_NAMES:
        return expect_type(value, "str", where)
    annotation = signature[key].annotation
    if key == "relevant_docs":  # sets of ids, which YAML writes as lists
        annotation = "dict[str, list[str]]"
    return expect_type(value, annotation, where)


def _known_argument(name: str, signature: library.Signature, path: str) -> library.Parameter:
    return signature[expect_known(name, signature, f"{path}.{name}", "key")]
