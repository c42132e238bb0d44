"""Write and read manifest.json; what it holds is `sparse_client.bundle.manifest.Manifest`."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

from sparse_client.bundle.facts import File
from sparse_client.bundle.manifest import MANIFEST, Manifest
from sparse_client.bundle.reader import open_bundle, sha256
from sparse_client.errors import SparseClientError
from sparse_export.errors import BundleError

TOOLS = (
    "sparse-export", "torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "onnx-ir",
    "onnxruntime", "tokenizers", "numpy",
)  # fmt: skip


def tool_versions() -> dict[str, str]:
    """Return the installed version of each tool that made a bundle."""
    found = {}
    for tool in TOOLS:
        try:
            found[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue  # onnxruntime-gpu stands in for onnxruntime, for one
    return found


def write(folder: Path, manifest: Manifest) -> Manifest:
    """Write manifest.json with the size and sha256 of every other file of `folder`, and return what it says."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = {path.relative_to(folder).as_posix(): File(sha256(path), path.stat().st_size) for path in paths}
    manifest = replace(manifest, files=files)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def read(bundle: Path) -> Manifest:
    """Read the manifest of a bundle, and check that its files are there, unchanged, and inside it.

    Raises:
        BundleError: If the folder is not a bundle, its format is newer, or it is damaged.
    """
    try:
        return open_bundle(bundle, checksums=True).manifest
    except SparseClientError as error:
        raise BundleError(f"{error}.") from error
