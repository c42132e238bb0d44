"""manifest.json: what a bundle says of itself, written last and read with distrust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sparse_client.bundle.reader import sha256
from sparse_export.errors import BundleError

FILE = "manifest.json"
FORMAT_VERSION = 1
TOOLS = (
    "sparse-export", "torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnx-ir",
    "onnxruntime", "tokenizers", "numpy",
)  # fmt: skip
# What readers of a bundle rely on.
CONTENT = {"family": str, "dimension": int, "routes": dict, "precision": str, "files": dict}
# Only some bundles have them.
OPTIONAL = {"sensitivity": dict, "query_tower": dict, "tolerance": dict, "cpu": str, "proven_on": dict}
TOLERANCE = {"mean_cosine": float, "worst_cosine": float, "overlap": float}
PROVEN_ON = {"processor": str, "machine": str, "onnxruntime": str}
ROUTE = {"graph": str, "tokenizer": str, "prompt": str}
EMBEDDING_ROUTE = {"graph": str}  # of a graph that takes dense embeddings
PRUNING = {"kept": int, "share_dropped": float, "texts": int, "min_count": int, "held_out": dict}
HELD_OUT = {"texts": int, "weight_dropped": float, "mean_cosine": float, "worst_cosine": float, "overlap": float}
ENTRY = {"sha256": str, "size": int}


def tool_versions() -> dict[str, str]:
    """Return the installed version of each tool that made a bundle."""
    found = {}
    for tool in TOOLS:
        try:
            found[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue  # onnxruntime-gpu stands in for onnxruntime, for one
    return found


def write(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Return and write manifest.json with the size and sha256 of every other file of `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILE)
    sums = {
        path.relative_to(folder).as_posix(): {"sha256": sha256(path), "size": path.stat().st_size} for path in files
    }
    whole = {"format_version": FORMAT_VERSION, **content, "files": sums}
    (folder / FILE).write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return whole


def read(bundle: Path) -> dict[str, Any]:
    """Read the manifest of a bundle and check that its files are there, unchanged, and inside it.

    Raises:
        BundleError: The folder is no bundle, of a newer format, or damaged.
    """
    path = bundle / FILE
    content = _load(bundle, path)
    version = content.get("format_version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:  # a bool is no version
        raise BundleError(
            f"'{bundle}' has format version {version!r}; this sparse-export reads up to {FORMAT_VERSION}. "
            "Upgrade sparse-export, or export again."
        )
    _check_types(str(path), content, CONTENT | {name: OPTIONAL[name] for name in OPTIONAL if name in content})
    if "document" not in content["routes"]:
        raise BundleError(f"{path} lacks the route 'document'.")
    if "proven_on" in content:
        _check_types(f"{path}: 'proven_on'", content["proven_on"], PROVEN_ON)
    if "pruning" in content:
        _check_types(f"{path}: 'pruning'", content["pruning"], PRUNING)
        _check_types(f"{path}: 'held_out' of 'pruning'", content["pruning"]["held_out"], HELD_OUT)
    if "tolerance" in content:
        _check_types(f"{path}: 'tolerance'", content["tolerance"], TOLERANCE)
        if len(content["tolerance"]) > len(TOLERANCE):
            raise BundleError(f"{path}: 'tolerance' has more than {', '.join(TOLERANCE)}.")
    for name, entry in content["files"].items():
        _check_types(f"{path}: the file {name!r}", entry, ENTRY)
        _check_file(bundle, name, entry)
    for route, entry in content["routes"].items():
        takes_tokens = content.get("input", "tokens") == "tokens"
        _check_types(f"{path}: the route {route!r}", entry, ROUTE if takes_tokens else EMBEDDING_ROUTE)
        for role in ("graph", "tokenizer") if takes_tokens else ("graph",):
            if entry[role] not in content["files"]:
                raise BundleError(f"{path}: the {role} of route {route}, {entry[role]!r}, is not among its files.")
    return content


def saturates(content: dict[str, Any]) -> bool:
    """Tell whether 8-bit products of a bundle saturate on some processors; older bundles do not say that they do."""
    return content["precision"] == "int8" and content.get("cpu") != "any"


def _load(bundle: Path, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"'{bundle}' is not a bundle: it has no {FILE}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path} is no JSON object.")
    return content


def _check_types(where: str, value: Any, types: Mapping[str, type]) -> None:
    if not isinstance(value, dict):
        raise BundleError(f"{where} is no JSON object.")
    for name, expected in types.items():
        if name not in value:
            raise BundleError(f"{where} lacks {name!r}.")
        if type(value[name]) is not expected:
            raise BundleError(f"{where} has {name!r} of type {type(value[name]).__name__}, not {expected.__name__}.")


def _check_file(bundle: Path, name: str, entry: dict[str, Any]) -> None:
    path = bundle / name
    if "\0" in name or not path.resolve().is_relative_to(bundle.resolve()):
        raise BundleError(f"The manifest of '{bundle}' names {name!r}, which lies outside the bundle.")
    if not path.is_file():
        raise BundleError(f"'{bundle}' lacks the file {name!r} that its manifest names.")
    if path.stat().st_size != entry["size"] or sha256(path) != entry["sha256"]:
        raise BundleError(f"'{path}' is not the file that was exported: its sha256 differs from the manifest's.")
