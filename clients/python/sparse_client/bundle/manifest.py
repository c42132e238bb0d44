"""manifest.json: everything that a bundle says about itself, as one typed value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sparse_client.bundle.facts import (
    Autoencoder,
    Backbone,
    Distance,
    File,
    GraphFacts,
    Host,
    Pruning,
    Quality,
    QueryTower,
    Ranked,
    Route,
    Source,
)
from sparse_client.bundle.json_types import ManifestError, read

FORMAT_VERSION = 1
MANIFEST, TABLE = "manifest.json", "query_table.safetensors"
# Left out of the JSON where they have no meaning; every other field that is None is written as null.
_OMITTED = frozenset(
    {
        *("pooling", "activation", "autoencoder", "dropped_ids", "dense_dim", "cpu", "proven_tokens"),
        *("pruning", "query_tower", "tolerance", "python_tokenizer"),
    }
)


class NewerFormatError(ManifestError):
    """The bundle was written by a later version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that manifest.json says; the fields have its names and order.

    Attributes:
        format_version: Version of the bundle format.
        family: `splade`, `inference-free`, `csr`, `token-weights`, or one that is yet to come.
        dimension: Size of the vector space.
        routes: Routes by name.
        prompts: Prompt of each route.
        max_length: That of documents.
        max_active_dims: Most dimensions of a vector, None for no limit.
        backbone: The transformer, None where the graph takes embeddings.
        pooling: How token weights become one vector: `max` or `sum`.
        activation: Activation of the head, in sentence-transformers' name.
        autoencoder: Of csr.
        special_tokens: Dimensions of special tokens: `keep`, or `drop`, where they always have weight 0.
        dropped_ids: The dimensions that always have weight 0, where special tokens are dropped.
        dense_dim: Of token-weights: width of the dense embedding that the graph also gives, None where it gives none.
        precision: `fp32`, `fp16`, `int8`, or one that is yet to come.
        cpu: The processors that its int8 products are for: `any`, or `vnni`, where others have to be made exact. None
            in another precision; older bundles do not say and are `vnni`.
        output: What the graphs give: `sparse` (indices and values) or `dense` (one embedding).
        opset: Of the ONNX default domain.
        ir_version: Of the ONNX file format.
        similarity: Similarity function that the checkpoint names.
        input: What the graphs take: `tokens` or `embedding`.
        source: The checkpoint.
        versions: Version of each tool that made the bundle.
        proven_on: Where the graphs were compared with PyTorch.
        proven_tokens: Tokens of the longest text that was compared with PyTorch; older bundles do not say.
        pruning: How the vocabulary was pruned.
        in_float: int8 products that stayed in float.
        sensitivity: Relative error of each int8 product, the largest first.
        passes: By the name of each pass over the graph of documents, the number of nodes that it changed.
        parity: By route and report (`alone`, `padded`, `neighbours`), the distance from PyTorch.
        query_tower: The second transformer, None where one graph serves both routes or queries are looked up.
        tolerance: What the vectors promise in place of the precision's own promise.
        quality: Retrieval figures of `pytorch` and `export`, None where no collection was given.
        seconds: How long the export took.
        graphs: What each graph consists of, by its file.
        files: Every other file of the bundle.
    """

    format_version: int = FORMAT_VERSION
    family: str
    dimension: int
    routes: Mapping[str, Route]
    prompts: Mapping[str, str] | None = None
    max_length: int | None = None
    max_active_dims: int | None = None
    backbone: Backbone | None = None
    pooling: str | None = None
    activation: str | None = None
    autoencoder: Autoencoder | None = None
    special_tokens: str = "keep"
    dropped_ids: tuple[int, ...] | None = None
    dense_dim: int | None = None
    precision: str
    cpu: str | None = None
    output: str
    opset: int | None = None
    ir_version: int | None = None
    similarity: str | None = None
    input: str = "tokens"
    source: Source | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    proven_on: Host | None = None
    proven_tokens: int | None = None
    pruning: Pruning | None = None
    in_float: tuple[str, ...] = ()
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    passes: Mapping[str, int] = field(default_factory=dict)
    parity: Mapping[str, Mapping[str, Distance]] = field(default_factory=dict)
    query_tower: QueryTower | None = None
    tolerance: Ranked | None = None
    quality: Mapping[str, Quality] | None = None
    seconds: float = 0.0
    graphs: Mapping[str, GraphFacts] = field(default_factory=dict)
    files: Mapping[str, File]

    @property
    def input_dim(self) -> int | None:
        """Width of the dense embeddings that the graphs take, None where they take tokens."""
        return self.autoencoder.input_dim if self.input == "embedding" and self.autoencoder else None

    @property
    def saturates(self) -> bool:
        """Whether 8-bit products saturate on some processors; older bundles do not say that theirs do not."""
        return self.precision == "int8" and self.cpu != "any"

    def has_table(self, route: str) -> bool:
        """Tell whether the texts of a route can be looked up in the table of query weights, without a graph."""
        return route == "query" and TABLE in self.files and self.routes["query"].graph != self.routes["document"].graph

    def contradictions(self) -> list[str]:
        """Return what is said in two ways, for the bundle and for its routes, one sentence each."""
        pairs: dict[str, tuple[Any, Any]] = {
            "prompts": (self.prompts, {name: route.prompt for name, route in self.routes.items()})
        }
        pairs["max_length"] = self.max_length, self.routes["document"].max_length
        return [
            f"{MANIFEST} says {name} {said!r}, its routes say {meant!r}"
            for name, (said, meant) in pairs.items()
            if said is not None and said != meant
        ]

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        content = _without_omitted(asdict(self))
        if self.query_tower is not None:
            content["query_tower"] = _without_omitted(content["query_tower"])
        content["routes"] = {name: _without_omitted(route) for name, route in content["routes"].items()}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest; fields that are not known are passed over.

        Raises:
            NewerFormatError: If a later version wrote it.
            ManifestError: If it is not JSON, or a field is missing, of another type, or
                contradicts another one.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ManifestError(f"it is not valid JSON ({error})") from error
        if not isinstance(content, dict):
            raise ManifestError("it is not a JSON object")
        _check_version(content.get("format_version"))
        manifest = read(cls, _with_defaults(content), "")
        for problem in _problems(manifest):
            raise ManifestError(problem)
        return manifest


def _without_omitted(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value is not None or name not in _OMITTED}


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise ManifestError(f"'format_version' is {version!r}, expected a whole number from 1")
    if version > FORMAT_VERSION:
        raise NewerFormatError(f"has bundle format {version}, this version reads {FORMAT_VERSION} at most: upgrade it")


def _with_defaults(content: dict[str, Any]) -> dict[str, Any]:
    """Add what bundles of earlier versions do not say of their routes: a second graph was always a look-up then."""
    routes = content.get("routes")
    if not isinstance(routes, dict) or not isinstance(routes.get("document"), dict):
        return content
    graph, precision = routes["document"].get("graph"), content.get("precision")
    filled = {
        name: {"precision": precision if route.get("graph") == graph else "fp32", **route}
        if isinstance(route, dict)
        else route
        for name, route in routes.items()
    }
    return {**content, "routes": filled}


def _problems(manifest: Manifest) -> Iterator[str]:
    """Yield what the types do not say."""
    if "document" not in manifest.routes:
        yield "'routes.document' is missing"
    if manifest.input not in ("tokens", "embedding"):
        yield f"its graphs take {manifest.input!r}, expected 'tokens' or 'embedding'"
    if manifest.input == "embedding" and manifest.autoencoder is None:
        yield "its graphs take embeddings, but 'autoencoder' is missing"
    if manifest.tolerance is not None and (manifest.family, manifest.precision) != ("csr", "int8"):
        yield f"'tolerance' is for int8 of the family csr, not for {manifest.precision} of {manifest.family}"
    counts: dict[str, int | None] = {"dimension": manifest.dimension, "max_active_dims": manifest.max_active_dims}
    counts |= {f"routes.{name}.max_length": route.max_length for name, route in manifest.routes.items()}
    for name, count in counts.items():
        if count is not None and count < 1:
            yield f"{name!r} is {count}, expected 1 or more"
    for name, route in manifest.routes.items():
        takes_text = manifest.input == "tokens" and route.python_tokenizer is None
        used = [route.graph, route.tokenizer] if takes_text else [route.graph]
        for file in used:
            if file not in manifest.files:
                yield f"route {name!r} uses {file!r}, which is not among its 'files'"
