"""manifest.json: what a bundle says of itself, written last and read with distrust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sparse_client.bundle.reader import FORMAT_VERSION, open_bundle, sha256
from sparse_client.bundle.reader import MANIFEST as FILE
from sparse_client.errors import SparseClientError
from sparse_export.errors import BundleError

TOOLS = (
    "sparse-export", "torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnx-ir",
    "onnxruntime", "tokenizers", "numpy",
)  # fmt: skip
# Only some bundles have them.
OPTIONAL = {"sensitivity": dict, "query_tower": dict, "proven_on": dict}
PROVEN_ON = {"processor": str, "machine": str, "onnxruntime": str}
PRUNING = {"kept": int, "share_dropped": float, "texts": int, "min_count": int, "held_out": dict}
HELD_OUT = {"texts": int, "weight_dropped": float, "mean_cosine": float, "worst_cosine": float, "overlap": float}


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
    """Read the manifest of a bundle, and check that its files are there, unchanged, and inside it.

    Raises:
        BundleError: If the folder is no bundle, of a newer format, or damaged.
    """
    try:
        content = dict(open_bundle(bundle, checksums=True).manifest)
    except SparseClientError as error:
        raise BundleError(f"{error}.") from error
    check(bundle / FILE, content)
    return content


def check(path: Path, content: Mapping[str, Any]) -> None:
    """Check what a manifest says to the exporter alone; the client's reader has checked the rest.

    Raises:
        BundleError: If a value is not of its type.
    """
    _check_types(str(path), content, {name: OPTIONAL[name] for name in OPTIONAL if name in content})
    if "proven_on" in content:
        _check_types(f"{path}: 'proven_on'", content["proven_on"], PROVEN_ON)
    if "pruning" in content:
        _check_types(f"{path}: 'pruning'", content["pruning"], PRUNING)
        _check_types(f"{path}: 'held_out' of 'pruning'", content["pruning"]["held_out"], HELD_OUT)


def saturates(content: Mapping[str, Any]) -> bool:
    """Tell whether 8-bit products of a bundle saturate on some processors; older bundles do not say that they do."""
    return content["precision"] == "int8" and content.get("cpu") != "any"


def _check_types(where: str, value: Any, types: Mapping[str, type]) -> None:
    if not isinstance(value, dict):
        raise BundleError(f"{where} is no JSON object.")
    for name, expected in types.items():
        if name not in value:
            raise BundleError(f"{where} lacks {name!r}.")
        if type(value[name]) is not expected:
            raise BundleError(f"{where} has {name!r} of type {type(value[name]).__name__}, not {expected.__name__}.")
