"""The user's cache folder: parts that take long to make, each there in full or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def folder() -> Path:
    """Return where this project keeps what it downloaded."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "sparse-export"


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, made by `build` if it is not there.

    Parts that are made stay: after an interrupt, the next attempt begins with the part that was being made.

    Args:
        name: Name of the folder; another content has another name.
        build: Fills the empty folder that it is given.
    """
    target = folder() / name
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target.parent))
    try:
        build(temporary)
        temporary.chmod(0o755)
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was quicker
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
