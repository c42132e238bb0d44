"""Read a recipe: YAML, changed by `--set key=value`, checked before anything heavy is loaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from sparse_train.errors import RecipeError
from sparse_train.recipe.combinations import check_combinations
from sparse_train.recipe.parse import read_recipe_value
from sparse_train.recipe.schema import Recipe


class _Loader(yaml.SafeLoader):
    """YAML as people expect it: 5e-5 is a number, only true and false are booleans, a key stands once."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] not in {"bool", "float"}]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            repeated = key in found
        except TypeError:
            raise RecipeError(f"line {key_node.start_mark.line + 1}: a key must be a word.") from None
        if repeated:
            raise RecipeError(f"line {key_node.start_mark.line + 1}: the key {key!r} is there twice.")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Return the checked recipe of a YAML file.

    Args:
        path: for example `Path("training/recipes/wordnet-splade.yaml")`.
        changes: `key=value` with dots into mappings and lists: `model.name=bert-base-uncased`,
            `data.train.0.limit=100`; the value is YAML too.

    Raises:
        RecipeError: the file cannot be read, or names something unknown, of the wrong type, or impossible.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    try:
        content = _parse(text)
        for change in changes:
            _apply(content, change)
        recipe = read_recipe_value(content)
        check_combinations(recipe)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error
    return recipe


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise RecipeError(f"not YAML: {' '.join(str(error).split())}.") from error


def _apply(content: Any, change: str) -> None:
    """Set one value in place; what is on the way and missing is made a mapping."""
    keys, equals, text = change.partition("=")
    if not equals or not keys:
        raise RecipeError(f"--set {change}: expected key=value, for example training.max_steps=100.")
    *way, last = keys.split(".")
    place = content
    for key in way:
        place = _enter(place, key, change)
    value = _parse(text)
    if isinstance(place, list):
        place[_index(place, last, change)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise RecipeError(f"--set {change}: {'.'.join(way) or 'the recipe'} is no mapping.")


def _enter(place: Any, key: str, change: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, key, change)]
    if not isinstance(place, dict):
        raise RecipeError(f"--set {change}: {key} is not within a mapping or list.")
    if isinstance(place.get(key), str):  # `loss: Name` becomes `loss: {Name: {}}` when an argument is set
        place[key] = {place[key]: {}}
    if place.get(key) is None:
        place[key] = {}
    return place[key]


def _index(place: list[Any], key: str, change: str) -> int:
    if not key.isdecimal() or int(key) >= len(place):
        raise RecipeError(f"--set {change}: {key} must be a number from 0 to {len(place) - 1} here.")
    return int(key)
