"""A folder of vectors: parts of a fixed number of texts, and a manifest that says what is done.

A part is written beside its name, renamed when it is complete and then named in the manifest. So a run that was killed
goes on after the last part that the manifest names, and what it writes is what a run without a break writes.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sparse_client.errors import InputError
from sparse_client.replace import LEFT_BEHIND, replacing

MANIFEST = "manifest.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the folder.

    Attributes:
        name: Its name.
        bytes: Its size.
        texts: How many texts it has.
        active: Their active dimensions, all together.
        clipped: Weights that were too large for an impact.
        first: Id of its first text.
        last: Id of its last text.
    """

    name: str
    bytes: int
    texts: int
    active: int
    clipped: int
    first: str
    last: str


@dataclass(slots=True)
class Folder:
    """The folder of one run.

    Attributes:
        path: Where it is.
        made: What decides every byte: bundle, options and input. Another run must have the same to go on here.
        parts: What is done, by number.
    """

    path: Path
    made: dict[str, Any]
    parts: dict[int, Part] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, made: dict[str, Any]) -> Folder:
        """Make a folder, or go on in one where the same was begun.

        Raises:
            InputError: If something else is there, or bundle, options or input were others.
        """
        made = json.loads(json.dumps(made))  # as it is read back
        manifest = path / MANIFEST
        if path.exists() and not path.is_dir():
            raise InputError(f"--output {path} is a file: give a folder")
        if not manifest.exists():
            if path.is_dir() and any(not file.match(LEFT_BEHIND) for file in path.iterdir()):
                raise InputError(f"--output {path} has files, but no {MANIFEST} of vectors: give a folder of its own")
            path.mkdir(parents=True, exist_ok=True)
            folder = cls(path, made)
            folder.save()
            return folder
        folder = cls(path, made, _parts(manifest, made))
        folder.clean()
        return folder

    def clean(self) -> None:
        """Remove what processes that were killed have left behind."""
        for left in self.path.glob(LEFT_BEHIND):
            shutil.rmtree(left, ignore_errors=True)

    def missing(self, number: int) -> bool:
        """Tell whether a part is still to be made."""
        part = self.parts.get(number)
        try:
            return part is None or (self.path / part.name).stat().st_size != part.bytes
        except FileNotFoundError:
            return True

    def add(self, number: int, part: Part) -> None:
        """Name a part that was written."""
        self.parts[number] = part
        self.save()

    def save(self, **more: Any) -> None:
        """Write the manifest."""
        parts = [asdict(self.parts[number]) | {"number": number} for number in sorted(self.parts)]
        content = {"version": VERSION, **self.made, **more, "parts": parts}
        with replacing(self.path / MANIFEST) as new:
            new.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _parts(manifest: Path, made: dict[str, Any]) -> dict[int, Part]:
    try:
        content = json.loads(manifest.read_bytes())
        version = content["version"]
        parts = {part.pop("number"): Part(**part) for part in content["parts"]} if version == VERSION else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{manifest} is no manifest of vectors ({error}): give --output another folder") from error
    if version != VERSION:
        raise InputError(f"{manifest} has version {version}, known is {VERSION}: upgrade, or give another --output")
    for what, now in made.items():
        before = content.get(what)
        if before != now:
            raise InputError(
                f"--output {manifest.parent} was begun from something else: {what}: {_difference(before, now)}; "
                "give another folder, or delete this one"
            )
    return parts


def _difference(before: Any, now: Any) -> str:
    if not isinstance(before, dict):
        return f"{before}, now {now}"
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return "; ".join(f"{name} was {before.get(name)}, is now {now.get(name)}" for name in names)
