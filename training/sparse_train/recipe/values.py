"""Check single values of a recipe; every error has the path of the key and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Any

from sparse_train.errors import RecipeError
from sparse_train.recipe.annotations import accepts
from sparse_train.recipe.library import Signature


def expect_mapping(value: Any, path: str, keys: Collection[str]) -> dict[str, Any]:
    """Return a value that must be a mapping with none but the given keys.

    Raises:
        RecipeError: it is something else, or has an unknown key.
    """
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: expected a mapping with keys of {_listed(keys)}, got {_shown(value)}.")
    for name in value:
        expect_known(name, keys, f"{path}.{name}" if path != "recipe" else str(name), "key")
    return value


def expect_known(name: Any, known: Collection[str], path: str, kind: str) -> str:
    """Return a name that must be one of the known ones.

    Raises:
        RecipeError: it is not; the message suggests the nearest and lists all.
    """
    if name in known and isinstance(name, str):
        return name
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise RecipeError(f"{path}: unknown {kind} {name!r}.{hint} Allowed: {_listed(known)}.")


def expect_type(value: Any, annotation: str, path: str) -> Any:
    """Return a value that must have the annotated type.

    Raises:
        RecipeError: it has not.
    """
    if not accepts(annotation, value):
        raise RecipeError(f"{path}: expected {annotation or 'nothing, it cannot be set here'}, got {_shown(value)}.")
    return value


def expect_complete(given: Collection[str], signature: Signature, path: str) -> None:
    """Check that every argument without a default is given.

    Raises:
        RecipeError: one is missing.
    """
    missing = [name for name, parameter in signature.items() if parameter.default is None and name not in given]
    if missing:
        raise RecipeError(f"{path}: {_listed(missing)} must be given.")


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
