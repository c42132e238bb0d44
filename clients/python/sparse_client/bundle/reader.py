"""Open a bundle: read its manifest and check that every file it names is there and whole."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sparse_client.bundle.facts import File
from sparse_client.bundle.json_types import ManifestError
from sparse_client.bundle.manifest import MANIFEST, Manifest, NewerFormatError
from sparse_client.bundle.slow_tokens import check_settings
from sparse_client.errors import BundleError


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were found to be there.

    Attributes:
        path: The folder.
        manifest: What it says about itself.
    """

    path: Path
    manifest: Manifest


def open_bundle(path: Path | str, *, checksums: bool = False) -> Bundle:
    """Read a bundle's manifest and check its files.

    Args:
        path: The bundle's folder.
        checksums: Also compare every file's sha256; sizes are always compared.

    Raises:
        BundleError: If the folder is not a bundle, its format is newer, or a file is missing, altered or outside.
    """
    root = Path(path)
    manifest = _read_manifest(root)
    for name, file in manifest.files.items():
        _check_file(root, name, file, checksums)
    for route in manifest.routes.values():
        if route.python_tokenizer is not None:
            _check_folder(root, route.python_tokenizer.folder, manifest)
    return Bundle(root, manifest)


def _check_folder(root: Path, name: str, manifest: Manifest) -> None:
    """Check that a folder of the bundle holds nothing that its manifest does not name: libraries look for files."""
    named = {root / file for file in manifest.files}
    folder = root / name
    if not name or not _is_inside(root, folder) or folder.resolve() == root.resolve() or not folder.is_dir():
        raise BundleError(f"{root / MANIFEST} names the folder {name!r}, which is not one inside the bundle")
    for path in folder.rglob("*"):
        if path not in named and not path.is_dir():
            raise BundleError(f"{path} is not among the files of {MANIFEST}; copy or export the bundle again")
    check_settings(folder)


def _read_manifest(root: Path) -> Manifest:
    path = root / MANIFEST
    try:
        return Manifest.from_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{root} is not a bundle: it has no {MANIFEST}; give a folder sparse-export wrote") from error
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from error
    except NewerFormatError as error:
        raise BundleError(f"{root} {error}") from error
    except ManifestError as error:
        raise BundleError(f"{path} is broken: {error}; export the bundle again") from error


def _check_file(root: Path, name: str, expected: File, checksums: bool) -> None:
    file = root / name
    if not _is_inside(root, file):
        raise BundleError(f"{root / MANIFEST} names {name!r}, which leads outside the bundle; copy links as files")
    if not file.is_file():
        raise BundleError(f"{file} is missing although {MANIFEST} names it; copy or export the bundle again")
    if (size := file.stat().st_size) != expected.size:
        raise BundleError(f"{file} has {size} bytes, {MANIFEST} says {expected.size}; copy or export the bundle again")
    if checksums and sha256(file) != expected.sha256:
        raise BundleError(f"{file} was altered: its sha256 is not that of {MANIFEST}; copy or export the bundle again")


def _is_inside(root: Path, file: Path) -> bool:
    try:
        # Resolving covers absolute names, ".." and links alike.
        return file.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL in the name
        return False


def sha256(file: Path) -> str:
    """Return the sha256 of a file in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
