"""Write a bundle in full or not at all."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from sparse_client.bundle.manifest import MANIFEST
from sparse_client.replace import replacing
from sparse_export.errors import OutputError

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than is allowed there",
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "there is no permission to write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a part of the path is a file",
    errno.EBUSY: "it is a mount point; name a folder inside it",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk has an error",
}


@contextlib.contextmanager
def writing(output: Path, force: bool) -> Iterator[Path]:
    """Give a temporary folder beside `output` that takes its place when the block ends well.

    Args:
        output: Folder of the bundle.
        force: Replace an existing bundle; a folder that is not a bundle is never replaced.

    Raises:
        OutputError: `output` exists, or cannot be written.
    """
    # Through links, and with a name even for `.`: what is renamed at the end is the folder itself.
    with _explained(output):
        target = output.resolve()
        check_free(output, force)
        with _parents(target), replacing(target) as new:
            new.mkdir()
            yield new
            check_free(output, force)  # others may have written there meanwhile


@contextlib.contextmanager
def _explained(output: Path) -> Iterator[None]:
    """Turn what a disk refuses into an OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise OutputError(f"'{output}' cannot be written: {REASONS[error.errno]}.") from error


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Make the folders above `target`, and remove them again if the block fails."""
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):  # never made, or in use by now
                folder.rmdir()
        raise


def check_free(output: Path, force: bool) -> None:
    """Check that a bundle may be written to `output`.

    Raises:
        OutputError: If something is there that may not be replaced.
    """
    with _explained(output):
        target = output.resolve()
        if not target.exists():
            return
        if not target.is_dir():
            raise OutputError(f"'{output}' is a file; name a folder for the bundle.")
        if not any(target.iterdir()):
            return
        if not _is_bundle(target):
            raise OutputError(f"'{output}' exists and is not a bundle, so it is not replaced; name another folder.")
        if not force:
            raise OutputError(f"'{output}' exists; name another folder or give force=True to replace it.")


def _is_bundle(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
