"""A real server over bundles of every family, started once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparse_export.options import ExportOptions, Precision
from sparse_export.serving.process import ServeOptions, Server, serving
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.repository import write
from support import japanese
from support.kserve import Kserve
from support.tiny_checkpoints import save_splade, save_two_towers
from support.token_weight_checkpoints import save_bge_m3

MAX_BATCH_SIZE = 8
MAX_TEXT_BYTES = 20_000
PROMPTS = {"query": "search engine: ", "document": "museum "}


@dataclass(frozen=True)
class Running:
    """A server that is ready.

    Attributes:
        bundles: What it serves: folder by name.
        server: Its process and ports.
    """

    bundles: dict[str, Path]
    server: Server

    @property
    def http(self) -> str:
        """Return the URL for HTTP."""
        return f"http://127.0.0.1:{self.server.ports['http']}"

    @property
    def grpc(self) -> str:
        """Return the URL for gRPC."""
        return f"grpc://127.0.0.1:{self.server.ports['grpc']}"

    @property
    def kserve(self) -> Kserve:
        """Return a client of the standard library's."""
        return Kserve(self.http)


@pytest.fixture(scope="session")
def prompted_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny SPLADE of 2,048 positions, one graph for both routes, with another prompt for each."""
    from sparse_export.pipeline.export import export

    folder = tmp_path_factory.mktemp("prompted")
    model = save_splade(folder / "model", bare={"max_position_embeddings": 2048}, prompts=PROMPTS)
    export(ExportOptions(str(model), folder / "bundle", max_length=2048, proof_tokens=600))
    return folder / "bundle"


@pytest.fixture(scope="session")
def towers_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny towers of other architectures, with another prompt for each, in int8."""
    from sparse_export.pipeline.export import export

    folder = tmp_path_factory.mktemp("towers")
    model = save_two_towers(folder / "model", prompts=PROMPTS)
    export(ExportOptions(model=str(model), output=folder / "bundle", precision=Precision.INT8))
    return folder / "bundle"


@pytest.fixture(scope="session")
def token_weights_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny bge-m3, in int8, with dense embeddings."""
    from sparse_export.pipeline.export import export

    folder = tmp_path_factory.mktemp("token-weights")
    model = save_bge_m3(folder / "model")
    export(ExportOptions(str(model), folder / "bundle", Precision.INT8, with_dense=True))
    return folder / "bundle"


@pytest.fixture(scope="session")
def japanese_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny SPLADE whose tokenizer has no fast form."""
    from sparse_export.pipeline.export import export

    folder = tmp_path_factory.mktemp("japanese")
    export(ExportOptions(str(japanese.save_checkpoint(folder / "model")), folder / "bundle"))
    return folder / "bundle"


@pytest.fixture(scope="session")
def bundles(
    splade_int8_bundle: Path,
    idf_bundle: Path,
    csr_bundle: Path,
    prompted_bundle: Path,
    towers_bundle: Path,
    token_weights_bundle: Path,
    japanese_bundle: Path,
) -> dict[str, Path]:
    """Bundles by the name that they are served under: every family, prompts, two towers, a slow tokenizer."""
    single = {"splade": splade_int8_bundle, "idf": idf_bundle, "csr": csr_bundle, "tokens": token_weights_bundle}
    return {**single, "prompted": prompted_bundle, "towers": towers_bundle, "japanese": japanese_bundle}


@pytest.fixture(scope="session")
def repository(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository of all bundles; copy it before changing it."""
    folder = tmp_path_factory.mktemp("triton") / "repository"
    for name, bundle in bundles.items():
        limits = {"max_batch_size": MAX_BATCH_SIZE, "max_text_bytes": MAX_TEXT_BYTES}
        write(RepositoryOptions(bundle=bundle, repository=folder, name=name, **limits))
    return folder


@pytest.fixture(scope="session")
def running(bundles: dict[str, Path], repository: Path) -> Iterator[Running]:
    """A server over `repository`; tests leave it as it is."""
    with serving(ServeOptions(repository, 0, 0, 0)) as server:
        yield Running(bundles, server)
