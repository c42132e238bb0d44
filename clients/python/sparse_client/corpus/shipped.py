"""A bundle on its way to the nodes of a cluster, which may not see the folder that it is in."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sparse_client.bundle.manifest import MANIFEST
from sparse_client.bundle.reader import open_bundle
from sparse_client.replace import replacing


@dataclass(frozen=True, slots=True)
class Shipped:
    """The files of a bundle.

    Attributes:
        sha256: Of its manifest, which has that of each file.
        files: Their content by name.
    """

    sha256: str
    files: dict[str, bytes]

    def unpack(self) -> str:
        """Write the files once a machine, and return the folder."""
        folder = Path(tempfile.gettempdir()) / f"sparse-export-{self.sha256}"
        if not folder.exists():
            with replacing(folder) as new:
                for name, content in self.files.items():
                    file = new / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content)
        open_bundle(folder, checksums=True)  # anybody may write to that place
        return str(folder)


def sha256_of(bundle: str) -> str:
    """Return what tells a bundle from others: the sha256 of its manifest, which has that of each file."""
    return hashlib.sha256((Path(bundle) / MANIFEST).read_bytes()).hexdigest()


def ship(bundle: str) -> Shipped:
    """Read a bundle.

    Raises:
        BundleError: If it is missing, incomplete or altered.
    """
    found = open_bundle(bundle, checksums=True)
    names = (MANIFEST, *found.manifest.files)
    return Shipped(sha256_of(bundle), {name: (found.path / name).read_bytes() for name in names})
