"""Bundles of real models, exported once for all tests and kept under build/ until something that makes them changes."""

from __future__ import annotations

import hashlib
import shutil
from functools import cache
from pathlib import Path

import torch

from sparse_export import ExportOptions, Precision
from sparse_export.options import Cpu
from support.real_checkpoints import MODELS, ROOT, gloss_collection, idf_inference_free, locked, trained_csr

CACHE = ROOT / "build" / "test-bundles"
# What an export consists of, besides its checkpoint and options.
SOURCES = ("clients/python/sparse_client", "exporter/sparse_export")
CHECKPOINTS = {"splade": lambda: MODELS / "splade-tiny", "inference-free": idf_inference_free, "csr": trained_csr}


def real_bundle(family: str, precision: str, cpu: Cpu = Cpu.ANY) -> Path:
    """Return the bundle of a real model; copy it before changing it."""
    model = CHECKPOINTS[family]()
    # int8 features miss the promise of int8 vectors: ranking decides.
    collection = gloss_collection() if (family, precision) == ("csr", "int8") else None
    name = f"{family}-{precision}-{cpu}-{torch.get_num_threads()}-threads"  # the last digit depends on them
    target = CACHE / f"{name}-{_digest(_files(model), _sources())}"
    with locked(CACHE / name):
        if not target.is_dir():
            for old in CACHE.glob(f"{name}-*"):
                shutil.rmtree(old)
            _export(ExportOptions(str(model), target, precision=Precision(precision), cpu=cpu, eval_data=collection))
    return target


def _export(options: ExportOptions) -> None:
    from sparse_export import export

    export(options)


@cache
def _sources() -> str:
    files = [file for folder in SOURCES for file in sorted((ROOT / folder).rglob("*.py"))]
    return _digest(*(file.read_bytes().hex() for file in [*files, ROOT / "constraints.txt"]))


def _files(folder: Path) -> str:
    """Return what a checkpoint consists of, by size and time: its contents are hundreds of megabytes."""
    stats = [(file, file.stat()) for file in sorted(folder.rglob("*")) if file.is_file()]
    return "\n".join(f"{file.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
