"""Check plain values, as YAML gives them, against type annotations kept as text.

The library's classes are read as source, never imported, so their annotations are text; ours are kept as text too.
"""

from __future__ import annotations

import ast

_PLAIN: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "tuple": list,
    "set": list,
    "Mapping": dict,
}


def accepts(annotation: str, value: object) -> bool:
    """Return whether a value of a recipe has the annotated type, for example `accepts("int | None", 3)`.

    An int is a float, a bool is not an int, a list is also a tuple. A class of the library accepts nothing, because
    YAML has no way to write one; neither does an argument without annotation. `Any` accepts everything.
    """
    return bool(annotation) and _accepts(ast.parse(annotation, mode="eval").body, value)


def _accepts(node: ast.expr, value: object) -> bool:
    match node:
        case ast.Constant(None):
            return value is None
        case ast.Constant(str(text)):  # an annotation in quotes
            return accepts(text, value)
        case ast.BinOp(left, ast.BitOr(), right):
            return _accepts(left, value) or _accepts(right, value)
        case ast.Subscript(name, inside):
            return _accepts_generic(_name(name), _parts(inside), value)
        case _:
            return _accepts_plain(_name(node), value)


def _accepts_plain(name: str, value: object) -> bool:
    if name == "Any":
        return True
    if isinstance(value, bool):
        return name == "bool"
    return name in _PLAIN and isinstance(value, _PLAIN[name])


def _accepts_generic(name: str, parts: list[ast.expr], value: object) -> bool:
    if name == "Literal":
        return any(isinstance(part, ast.Constant) and part.value == value for part in parts)
    if name in {"Union", "Optional"}:
        return (name == "Optional" and value is None) or any(_accepts(part, value) for part in parts)
    if name.lower() == "dict" and isinstance(value, dict):
        return all(_accepts(parts[0], key) and _accepts(parts[-1], inner) for key, inner in value.items())
    if name.lower() in {"list", "tuple", "set"} and isinstance(value, list):
        return all(_accepts(parts[0], inner) for inner in value)
    return False


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
