"""Write a bundle in full or not at all."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sparse_export import manifest
from sparse_export.errors import OutputError

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "there is no permission to write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file",
}


@contextlib.contextmanager
def writing(output: Path, force: bool) -> Iterator[Path]:
    """Give a temporary folder beside `output` that takes its place when the block ends well.

    Args:
        output: Folder of the bundle.
        force: Replace an existing bundle; a folder that is no bundle is never replaced.

    Raises:
        OutputError: `output` exists, or cannot be written.
    """
    _check_free(output, force)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    except OSError as error:
        raise _cannot_write(output, error) from error
    retired = temporary.with_name(temporary.name + ".replaced")
    try:
        yield temporary
        temporary.chmod(0o755)  # mkdtemp's 0700 would keep a server's user out
        _take_place(temporary, output, retired)
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise _cannot_write(output, error) from error
    finally:
        for leftover in (temporary, retired):
            shutil.rmtree(leftover, ignore_errors=True)


def _take_place(temporary: Path, output: Path, retired: Path) -> None:
    if not output.exists():
        temporary.rename(output)
        return
    output.rename(retired)
    try:
        temporary.rename(output)
    except OSError:
        retired.rename(output)
        raise


def _check_free(output: Path, force: bool) -> None:
    if not output.exists() and not output.is_symlink():
        return
    if not output.is_dir():
        raise OutputError(f"'{output}' is a file; name a folder for the bundle.")
    if not any(output.iterdir()):
        return
    if not (output / manifest.FILE).is_file():
        raise OutputError(f"'{output}' exists and is not a bundle, so it is not replaced; name another folder.")
    if not force:
        raise OutputError(f"'{output}' exists; name another folder or give --force to replace it.")


def _cannot_write(output: Path, error: OSError) -> OutputError:
    return OutputError(f"'{output}' cannot be written: {REASONS.get(error.errno or 0, error.strerror or str(error))}.")
