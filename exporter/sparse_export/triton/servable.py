"""What a server has to know of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparse_export.bundle.writing import manifest
from sparse_export.errors import BundleError, InputError, one_line
from sparse_export.options import Precision
from sparse_export.plan.query_table import TENSORS as TABLE

DECODE = "decode.onnx"
SHARED = ("family", "dimension", "max_active_dims")  # of a bundle for a CPU and one for a GPU
PREFIX = "query_"  # of the tokens of queries, where they differ from those of documents


@dataclass(frozen=True, slots=True)
class ServedRoute:
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
class Served:
    """A bundle to be served.

    Attributes:
        folder: The bundle.
        content: Its manifest.
        routes: Its routes by name, "document" first.
        embedding: Dimensions of the embedding that decode.onnx gives, None where it gives tokens.
    """

    folder: Path
    content: dict[str, Any]
    routes: dict[str, ServedRoute]
    embedding: int | None

    @property
    def on_gpu(self) -> bool:
        """Tell whether the graphs are such that a GPU runs well."""
        return self.content["precision"] != Precision.INT8

    def graphs(self) -> dict[str, str]:
        """Return the route and file of every graph that encodes; queries that go the way of documents have none."""
        found: dict[str, str] = {}
        for name, route in self.routes.items():
            if route.graph not in found.values():
                found[name] = route.graph
        return found

    def is_lookup(self, graph: str) -> bool:
        """Tell whether a graph looks weights up in a table, which no GPU does faster."""
        return TABLE in self.content["files"] and graph != self.routes["document"].graph

    def encoder_of(self, route: str) -> str:
        """Return the route whose encoder serves `route`."""
        return next(name for name, graph in self.graphs().items() if graph == self.routes[route].graph)

    def side_files(self, graph: str) -> list[str]:
        """Return the files that hold weights of a graph outside of it."""
        return sorted(name for name in self.content["files"] if name.startswith(f"{graph}."))


def read(bundle: Path) -> Served:
    """Read a bundle that is to be served.

    Raises:
        BundleError: The bundle is damaged, or does not take texts and give pairs.
    """
    content = manifest.read(bundle)
    if content.get("output", "sparse") != "sparse":
        raise BundleError(f"'{bundle}' was exported with --dense; Triton serves sorted pairs, so export without it.")
    if content.get("input", "tokens") != "tokens":
        raise BundleError(f"'{bundle}' was exported with --sae-only; Triton serves texts, so export without it.")
    if DECODE not in content["files"]:
        raise BundleError(f"'{bundle}' lacks {DECODE}; export the checkpoint again.")
    return Served(bundle, content, _routes(content), _embedding(bundle / DECODE))


def check_pair(cpu: Served, gpu: Served) -> None:
    """Check that a second bundle is the same checkpoint's, for a GPU.

    Raises:
        InputError: It is of another checkpoint, tokenizes otherwise, or is int8.
    """
    if not gpu.on_gpu:
        raise InputError(f"The GPU bundle '{gpu.folder}' is int8, which is for CPUs; export it with --quantize fp16.")
    sources = [served.content.get("source", {}).get("sha256") for served in (cpu, gpu)]
    if sources[0] != sources[1]:
        raise InputError(f"'{gpu.folder}' is of another checkpoint than '{cpu.folder}'; export both from the same one.")
    differing = [key for key in SHARED if cpu.content.get(key) != gpu.content.get(key)]
    if cpu.routes != gpu.routes:  # as they are served: their precision is another one
        differing.append("routes")
    if differing:
        raise InputError(f"'{gpu.folder}' differs from '{cpu.folder}' in {differing[0]!r}; export both alike.")


def _routes(content: dict[str, Any]) -> dict[str, ServedRoute]:
    entries = {"document": content["routes"]["document"]}
    entries["query"] = content["routes"].get("query", entries["document"])
    settings = {name: _settings(entry) for name, entry in entries.items()}
    prefixes = {"document": "", "query": "" if settings["query"] == settings["document"] else PREFIX}
    return {name: ServedRoute(entry["graph"], prefixes[name], settings[name]) for name, entry in entries.items()}


def _settings(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "tokenizer": entry["tokenizer"],
        "prompt": entry["prompt"],
        "max_length": entry.get("max_length"),
        "add_special_tokens": entry.get("add_special_tokens", True),
    }


def _embedding(path: Path) -> int | None:
    import onnx_ir as ir

    try:
        output = ir.load(path).graph.outputs[0]
        if output.name == "tokens":
            return None
        assert output.shape is not None
        return int(output.shape[-1])  # type: ignore[arg-type]
    except Exception as error:  # protobuf has errors of its own
        raise BundleError(f"'{path}' cannot be loaded: {one_line(error)}") from error
