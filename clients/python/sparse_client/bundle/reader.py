"""Open a bundle: read its manifest and check that every file it names is there and whole."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sparse_client.errors import BundleError

FORMAT_VERSION = 1
MANIFEST, TABLE = "manifest.json", "query_table.safetensors"
_TOLERANCE = ("mean_cosine", "overlap", "worst_cosine")
_T = TypeVar("_T")
_TYPE_NAMES = {str: "a text", int: "a whole number", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Route:
    """How one kind of text (`document` or `query`) becomes a vector.

    Attributes:
        graph: The file of the graph, relative to the bundle.
        tokenizer: The file of the tokenizer, relative to the bundle; "" where the graph takes dense embeddings.
        prompt: What is put in front of every text.
        max_length: Tokens kept of a text, None for all.
        add_special_tokens: Whether the tokenizer adds tokens like [CLS].
        precision: Whose promise the vectors keep: `fp32` for a table of weights, which has no product to round.
    """

    graph: str
    tokenizer: str
    prompt: str
    max_length: int | None
    add_special_tokens: bool
    precision: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files were found to be there.

    Attributes:
        path: The folder.
        family: `splade`, `inference-free`, `csr`, or one that is yet to come.
        dimension: Size of the vector space.
        precision: `fp32`, `fp16`, `int8`, or one that is yet to come.
        cpu: The processors that its int8 products are for: `any`, or `vnni`, where others have to be made exact; older
            bundles do not say, and are the latter. Without a meaning in another precision.
        output: What the graphs give: `sparse` (indices and values) or `dense` (one embedding).
        max_active_dims: How many dimensions a vector has at most, None for no limit.
        tolerance: What the vectors promise in place of the precision's own promise, where ranking was judged.
        input_dim: Width of the dense embeddings that the graphs take, None where they take tokens.
        routes: Routes by name.
        files: Every file that belongs to the bundle.
        manifest: All of manifest.json.
        contradictions: What the manifest says in two ways, one sentence each; `verify` fails for it.
    """

    path: Path
    family: str
    dimension: int
    precision: str
    cpu: str
    output: str
    max_active_dims: int | None
    tolerance: Mapping[str, float] | None
    input_dim: int | None
    routes: Mapping[str, Route]
    files: frozenset[str]
    manifest: Mapping[str, Any]
    contradictions: tuple[str, ...]

    def has_table(self, route: str) -> bool:
        """Tell whether the texts of a route can be looked up in the table of query weights, without a graph."""
        graphs = {name: entry.graph for name, entry in self.routes.items()}
        return route == "query" and TABLE in self.files and graphs.get("query") != graphs.get("document")


def open_bundle(path: Path | str, *, checksums: bool = False) -> Bundle:
    """Read a bundle's manifest and check its files.

    Args:
        path: The bundle's folder.
        checksums: Also compare every file's sha256; sizes are always compared.

    Raises:
        BundleError: If the folder is no bundle, is too new, or a file is missing, altered, or outside of it.
    """
    root = Path(path)
    try:
        return _parse(root, _read_manifest(root), checksums)
    except _ManifestError as error:
        raise BundleError(f"{root / MANIFEST} is broken: {error}; export the bundle again") from error


class _ManifestError(Exception):
    """What is wrong inside the manifest."""


def _parse(root: Path, manifest: dict[str, Any], checksums: bool) -> Bundle:
    files = _field(manifest, "files", dict)
    for name in files:
        _check_file(root, name, _field(files, name, dict), checksums)
    routes, input_dim = _field(manifest, "routes", dict), _input_dim(manifest)
    return Bundle(
        path=root,
        family=_field(manifest, "family", str),
        dimension=_field(manifest, "dimension", int),
        precision=_field(manifest, "precision", str),
        cpu=_field(manifest, "cpu", str) if "cpu" in manifest else "vnni",
        output=_field(manifest, "output", str),
        max_active_dims=_count_or_none(manifest, "max_active_dims", "the manifest"),
        tolerance=_tolerance(manifest),
        input_dim=input_dim,
        routes={name: _read_route(name, _defaults(manifest, name), files, input_dim) for name in routes},
        files=frozenset(files),
        manifest=manifest,
        contradictions=tuple(_contradictions(manifest, routes)),
    )


def _read_manifest(root: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((root / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(f"{root} is not a bundle: it has no {MANIFEST}; give a folder sparse-export wrote") from error
    except OSError as error:
        raise BundleError(f"{root / MANIFEST} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{root / MANIFEST} is not valid JSON ({error}); export the bundle again") from error
    if not isinstance(manifest, dict):
        raise _ManifestError("it is not a JSON object")
    version = _field(manifest, "format_version", int)
    if version < 1:
        raise _ManifestError(f"'format_version' is {version}, expected 1 or more")
    if version > FORMAT_VERSION:
        raise BundleError(
            f"{root} has bundle format {version}, this sparse-client reads {FORMAT_VERSION} at most: upgrade it"
        )
    return manifest


def _input_dim(manifest: dict[str, Any]) -> int | None:
    if manifest.get("input", "tokens") == "tokens":
        return None
    if manifest["input"] != "embedding":
        raise _ManifestError(f"its graphs take {manifest['input']!r}, expected 'tokens' or 'embedding'")
    return _field(_field(manifest, "autoencoder", dict), "input_dim", int)


def _contradictions(manifest: dict[str, Any], routes: dict[str, Any]) -> Iterator[str]:
    """Compare what the manifest says twice: for the bundle, and for each route."""
    entries = {name: _field(routes, name, dict) for name in routes}
    copies = {
        "prompts": {name: entry.get("prompt") for name, entry in entries.items()},
        "max_length": entries.get("document", {}).get("max_length"),
    }
    for name, said in copies.items():
        if name in manifest and manifest[name] != said:
            yield f"{MANIFEST} says {name} {manifest[name]!r}, its routes say {said!r}"


def _defaults(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a route of the manifest, with what bundles of earlier versions do not say of it."""
    routes = _field(manifest, "routes", dict)
    route, documents = _field(routes, name, dict), routes.get("document")
    # A second graph was always a look-up then.
    shared = isinstance(documents, dict) and route.get("graph") == documents.get("graph")
    precision = _field(manifest, "precision", str) if shared else "fp32"
    return {"precision": precision, **route}


def _tolerance(manifest: dict[str, Any]) -> dict[str, float] | None:
    if "tolerance" not in manifest:
        return None
    tolerance = _field(manifest, "tolerance", dict)
    if set(tolerance) != set(_TOLERANCE) or any(type(value) not in (int, float) for value in tolerance.values()):
        raise _ManifestError(f"'tolerance' has not exactly the numbers {', '.join(_TOLERANCE)}")
    return tolerance


def _read_route(name: str, route: dict[str, Any], files: Mapping[str, Any], input_dim: int | None) -> Route:
    for key in ("graph", "tokenizer") if input_dim is None else ("graph",):
        if _field(route, key, str) not in files:
            raise _ManifestError(f"route {name!r} uses {route[key]!r}, which is not among its 'files'")
    max_length = _count_or_none(route, "max_length", f"route {name!r}")
    special = route.get("add_special_tokens", True)  # what came before this key always added them
    if not isinstance(special, bool):
        raise _ManifestError(f"route {name!r} has 'add_special_tokens' {special!r}, expected true or false")
    tokenizer = route["tokenizer"] if input_dim is None else ""
    prompt, precision = _field(route, "prompt", str), _field(route, "precision", str)
    return Route(route["graph"], tokenizer, prompt, max_length, special, precision)


def _check_file(root: Path, name: str, entry: dict[str, Any], checksums: bool) -> None:
    file = root / name
    if not _is_inside(root, file):
        raise BundleError(f"{root / MANIFEST} names {name!r}, which leads outside the bundle; copy links as files")
    if not file.is_file():
        raise BundleError(f"{file} is missing although {MANIFEST} names it; copy or export the bundle again")
    expected, actual = _field(entry, "size", int), file.stat().st_size
    if actual != expected:
        raise BundleError(f"{file} has {actual} bytes, {MANIFEST} says {expected}; copy or export the bundle again")
    if checksums and sha256(file) != _field(entry, "sha256", str):
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


def _count_or_none(mapping: Mapping[str, Any], key: str, where: str) -> int | None:
    if mapping.get(key) is None:
        return None
    count = _field(mapping, key, int)
    if count < 1:
        raise _ManifestError(f"{where} has {key!r} {count}, expected 1 or more, or null")
    return count


def _field(mapping: Mapping[str, Any], key: str, kind: type[_T]) -> _T:
    value = mapping.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _ManifestError(f"{key!r} is missing or not {_TYPE_NAMES[kind]}")
    return value
