"""The weight files that the libraries loaded: what the manifest says of a bundle's source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sparse_client.bundle.reader import sha256
from sparse_export.checkpoint import token_weights
from sparse_export.checkpoint.source import MODULES, ROUTER

# Of a folder the first kind that is there is what is loaded; beside it a hub has other formats and precisions.
KINDS = ("adapter_model.safetensors", "adapter_model.bin", "model.safetensors", "model-*.safetensors",
         "pytorch_model.bin", "pytorch_model-*.bin")  # fmt: skip


def digest(folder: Path) -> str:
    """Return the sha256 of the weights: of the file, or of the list of names and sums where there are several."""
    sums = {path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder)}
    if len(sums) == 1:
        return next(iter(sums.values()))
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def size(folder: Path) -> int:
    """Return the bytes of the weight files."""
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    found = list(folder.glob(token_weights.LINEAR))
    for module in _modules(folder):
        kinds = (sorted(module.glob(kind)) for kind in KINDS)
        found += next(filter(None, kinds), [])
    return sorted(found)


def _modules(folder: Path) -> set[Path]:
    """Return the folders of the modules, those of a router included; of a bare checkpoint the folder itself."""
    paths = {folder / module["path"] for module in _read(folder / MODULES) or ()}
    for router in [path for path in paths | {folder} if (path / ROUTER).is_file()]:
        structure = _read(router / ROUTER)["structure"]
        paths |= {router / name for names in structure.values() for name in names}
    return paths or {folder}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
