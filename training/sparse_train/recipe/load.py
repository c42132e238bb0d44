"""Read a recipe: YAML, changed by `--set key=value`, checked before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sparse_train.errors import RecipeError
from sparse_train.recipe.combinations import check_combinations
from sparse_train.recipe.parse import read_recipe_value
from sparse_train.recipe.schema import Recipe

SHIPPED = Path(__file__).parents[1] / "recipes"


def shipped_recipes() -> list[str]:
    """Return the names of the recipes that come with this package."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Return the checked recipe of a YAML file.

    Args:
        path: A file, or the name of one of `shipped_recipes()`: `Path("wordnet-splade")`.
        changes: `key=value` with dots into mappings and lists: `model.name=bert-base-uncased`,
            `data.train.0.limit=100`; the value is YAML too.

    Raises:
        RecipeError: the file cannot be read, or names something unknown, of the wrong type, or impossible.
    """
    if not path.exists() and str(path) in shipped_recipes():
        path = SHIPPED / f"{path}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        near = get_close_matches(path.stem, shipped_recipes(), n=3) or shipped_recipes()
        raise RecipeError(f"{path}: no such file; shipped recipes are {', '.join(near)}.") from error
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
        return YAML(typ="safe", pure=True).load(text)  # YAML 1.2: 5e-5 is a number, and `no` is a word
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise RecipeError(f"{line}{error.problem}.") from error
    except YAMLError as error:
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
        raise RecipeError(f"--set {change}: {'.'.join(way) or 'the recipe'} is not a mapping.")


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
