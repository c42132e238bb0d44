"""Read JSON into dataclasses, and refuse what is not of the type that a field has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class ManifestError(ValueError):
    """What is wrong inside a manifest."""


def read(hint: Any, value: Any, where: str) -> Any:
    """Return a JSON value as the type of a field has it."""
    kinds, origin = get_args(hint), get_origin(hint)
    if NoneType in kinds:
        return None if value is None else read(kinds[0], value, where)
    if is_dataclass(hint):
        return _read_fields(hint, _typed(dict, value, where), f"{where}." if where else "")
    if origin is Mapping:
        return {name: read(kinds[1], one, f"{where}.{name}") for name, one in _typed(dict, value, where).items()}
    if origin is tuple:
        return tuple(read(kinds[0], one, where) for one in _typed(list, value, where))
    return _typed(hint, value, where)


def _read_fields(kind: Any, content: dict[str, Any], prefix: str) -> Any:
    hints, found = get_type_hints(kind), {}
    for part in fields(kind):
        if part.name in content:
            found[part.name] = read(hints[part.name], content[part.name], prefix + part.name)
        elif part.default is MISSING and part.default_factory is MISSING:
            raise ManifestError(f"{prefix + part.name!r} is missing")
    return kind(**found)


def _typed(kind: type[_T], value: Any, where: str) -> _T:
    kinds = (int, float) if kind is float else (kind,)
    if type(value) not in kinds:  # a bool is not a number
        raise ManifestError(f"{where!r} is {value!r:.40}, expected {_NAMES[kind]}")
    return value
