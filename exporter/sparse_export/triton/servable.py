"""What a server has to know of a bundle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sparse_client.bundle.decoding import GRAPH as DECODE
from sparse_client.bundle.facts import Route
from sparse_client.bundle.manifest import TABLE, Manifest
from sparse_export.bundle import manifest as manifests
from sparse_export.errors import BundleError, InputError
from sparse_export.options import Precision

SHARED = ("family", "dimension", "max_active_dims", "dense_dim")  # of a bundle for a CPU and one for a GPU
PREFIX = "query_"  # of the tokens of queries, where they differ from those of documents


@dataclass(frozen=True, slots=True)
class ServableRoute:
    """One route of a bundle.

    Attributes:
        graph: File of the graph.
        prefix: What the names of its tokens begin with: the tokenize step gives those of each route that differs.
        settings: How its texts become tokens, as the tokenize step reads it.
    """

    graph: str
    prefix: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Servable:
    """A bundle to be served.

    Attributes:
        folder: The bundle.
        manifest: What it says about itself.
        routes: Its routes by name, "document" first.
    """

    folder: Path
    manifest: Manifest
    routes: dict[str, ServableRoute]

    @property
    def on_gpu(self) -> bool:
        """Tell whether the graphs are such that a GPU runs well."""
        return self.manifest.precision != Precision.INT8

    @property
    def embedding(self) -> int | None:
        """Dimensions of the embedding that decode.onnx gives, None where it gives tokens."""
        return self.manifest.autoencoder.input_dim if self.manifest.autoencoder else None

    def packages(self) -> list[str]:
        """Return what the tokenize step needs besides tokenizers and numpy, as pip names it."""
        slow = [route.python_tokenizer for route in self.manifest.routes.values() if route.python_tokenizer]
        version = self.manifest.versions.get("transformers")
        runs = [f"transformers=={version}" if version else "transformers"] if slow else []
        return list(dict.fromkeys([*runs, *(name for one in slow for name in one.packages)]))

    def graphs(self) -> dict[str, str]:
        """Return the route and file of every graph that encodes; queries that go the way of documents have none."""
        found: dict[str, str] = {}
        for name, route in self.routes.items():
            if route.graph not in found.values():
                found[name] = route.graph
        return found

    def is_lookup(self, graph: str) -> bool:
        """Tell whether a graph looks weights up in a table, which no GPU does faster."""
        return TABLE in self.manifest.files and graph != self.routes["document"].graph

    def encoder_of(self, route: str) -> str:
        """Return the route whose encoder serves `route`."""
        return next(name for name, graph in self.graphs().items() if graph == self.routes[route].graph)

    def side_files(self, graph: str) -> list[str]:
        """Return the files that hold weights of a graph outside of it."""
        return sorted(name for name in self.manifest.files if name.startswith(f"{graph}."))


def read(bundle: Path) -> Servable:
    """Read a bundle that is to be served.

    Raises:
        BundleError: If the bundle is damaged, or does not take texts and give pairs.
    """
    manifest = manifests.read(bundle)
    if manifest.output != "sparse":
        raise BundleError(f"'{bundle}' was exported with form=dense; Triton serves sorted pairs, so export without it.")
    if manifest.input != "tokens":
        raise BundleError(f"'{bundle}' was exported with sae_only; Triton serves texts, so export without it.")
    if DECODE not in manifest.files:
        raise BundleError(f"'{bundle}' lacks {DECODE}; export the checkpoint again.")
    return Servable(bundle, manifest, _routes(manifest))


def check_pair(cpu: Servable, gpu: Servable) -> None:
    """Check that a second bundle is the same checkpoint's, for a GPU.

    Raises:
        InputError: If it is of another checkpoint, tokenizes otherwise, or is int8.
    """
    if not gpu.on_gpu:
        raise InputError(f"The GPU bundle '{gpu.folder}' is int8, which is for CPUs; export it with precision=fp16.")
    sources = [one.manifest.source.sha256 if one.manifest.source else None for one in (cpu, gpu)]
    if sources[0] != sources[1]:
        raise InputError(f"'{gpu.folder}' is of another checkpoint than '{cpu.folder}'; export both from the same one.")
    differing = [key for key in SHARED if getattr(cpu.manifest, key) != getattr(gpu.manifest, key)]
    if cpu.routes != gpu.routes:  # as they are served: their precision is another one
        differing.append("routes")
    if differing:
        raise InputError(f"'{gpu.folder}' differs from '{cpu.folder}' in {differing[0]!r}; export both alike.")


def _routes(manifest: Manifest) -> dict[str, ServableRoute]:
    documents = manifest.routes["document"]
    routes = {"document": documents, "query": manifest.routes.get("query", documents)}
    settings = {name: _settings(route) for name, route in routes.items()}
    prefixes = {"document": "", "query": "" if settings["query"] == settings["document"] else PREFIX}
    return {name: ServableRoute(route.graph, prefixes[name], settings[name]) for name, route in routes.items()}


def _settings(route: Route) -> dict[str, Any]:
    content = asdict(route)
    tokenizer = "tokenizer" if route.tokenizer else "python_tokenizer"
    return {name: content[name] for name in (tokenizer, "prompt", "max_length", "add_special_tokens")}
