"""Write beside a file or folder and put it in its place when it is complete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".new."
LEFT_BEHIND = f"{_PREFIX}*"
"""What a process that was killed may leave beside a target."""


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path beside `target`, on the same disk, that takes its place when the block ends without an error.

    What was there before stays until then, and is put back where the last step fails. Nothing is left behind.

    Args:
        target: File or folder, which may exist. Its folder must exist.

    Raises:
        OSError: If it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=target.parent, ignore_cleanup_errors=True) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        yield new
        try:
            if target.is_dir() or target.is_symlink():
                target.rename(old)  # a rename replaces files and empty folders, nothing else
            new.replace(target)
        except BaseException:
            if (old.exists() or old.is_symlink()) and not target.exists():
                old.rename(target)
            raise
