"""manifest.json: what a bundle says of itself, written last and read with distrust."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

from sparse_export.errors import BundleError

FILE = "manifest.json"
FORMAT_VERSION = 1
TOOLS = (
    "sparse-export", "torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnx-ir",
    "onnxruntime", "tokenizers", "numpy",
)  # fmt: skip
REQUIRED = ("family", "dimension", "routes", "precision", "files")


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
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"'{bundle}' is not a bundle: it has no {FILE}.") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise BundleError(f"{path} is not a JSON object.")
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise BundleError(
            f"'{bundle}' has format version {version}; this version reads up to {FORMAT_VERSION}: upgrade."
        )
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise BundleError(f"{path} lacks {', '.join(missing)}.")
    for name, expected in content["files"].items():
        _check_file(bundle, name, expected)
    for route, entry in content["routes"].items():
        for role in ("graph", "tokenizer"):
            if entry.get(role) not in content["files"]:
                raise BundleError(f"{path}: the {role} of route {route}, {entry.get(role)!r}, is not among its files.")
    return content


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(bundle: Path, name: str, expected: dict[str, Any]) -> None:
    path = bundle / name
    if not path.resolve().is_relative_to(bundle.resolve()):
        raise BundleError(f"The manifest of '{bundle}' names '{name}', which lies outside the bundle.")
    if not path.is_file():
        raise BundleError(f"'{bundle}' lacks the file '{name}' that its manifest names.")
    if path.stat().st_size != expected["size"] or sha256(path) != expected["sha256"]:
        raise BundleError(f"'{path}' is not the file that was exported: its sha256 differs from the manifest's.")
