"""Real bundles of every family for Node and the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support import node_runner


@pytest.fixture(scope="session")
def node() -> Callable[..., str]:
    """Run Node on a file or a folder below clients/; fail with what it wrote."""
    return node_runner.runner()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    path = Path("/usr/bin/chromium")
    if not path.exists():
        node_runner.missing("Chromium is not installed; `make test` does that for root, where apt is")
    return path


@pytest.fixture(scope="session")
def bundles(
    real_bundle: Callable[[str, str], Path],
    two_towers: Path,
    splade_vnni_bundle: Path,
    token_weights: Path,
    long_texts: Path,
) -> dict[str, str]:
    """The folder of each family's bundle in fp32 and int8, of two towers, of the int8 that saturates somewhere, of
    token weights, of long texts."""
    names = {"splade": "splade", "if": "inference-free", "csr": "csr"}
    real = {
        f"{name}-{precision}": str(real_bundle(family, precision))
        for name, family in names.items()
        for precision in ("fp32", "int8")
    }
    others = {
        "towers-fp32": two_towers,
        "splade-vnni-int8": splade_vnni_bundle,
        "tokens-int8": token_weights,
        "long-int8": long_texts,
    }
    return {**real, **{name: str(folder) for name, folder in others.items()}}


@pytest.fixture(scope="session")
def two_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of two random towers, with a tokenizer each, in fp32."""
    from sparse_export import ExportOptions
    from sparse_export.pipeline.export import export
    from support.two_towers import save_two_towers

    folder = tmp_path_factory.mktemp("two-towers")
    export(ExportOptions(model=str(save_two_towers(folder / "model")), output=folder / "bundle"))
    return folder / "bundle"


@pytest.fixture(scope="session")
def token_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a tiny bge-m3 in int8, with dense embeddings and a Unigram tokenizer."""
    from sparse_export import ExportOptions
    from sparse_export.options import Precision
    from sparse_export.pipeline.export import export
    from support.token_weight_checkpoints import save_bge_m3

    folder = tmp_path_factory.mktemp("token-weights")
    model = save_bge_m3(folder / "model")
    export(ExportOptions(str(model), folder / "bundle", Precision.INT8, with_dense=True))
    return folder / "bundle"


@pytest.fixture(scope="session")
def long_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a tiny SPLADE of 2,048 positions in int8: texts without padding have attention of their own."""
    from sparse_export import ExportOptions
    from sparse_export.options import Precision
    from sparse_export.pipeline.export import export
    from support.tiny_checkpoints import save_splade

    folder = tmp_path_factory.mktemp("long-texts")
    model = save_splade(folder / "model", bare={"max_position_embeddings": 2048})
    export(ExportOptions(str(model), folder / "bundle", Precision.INT8, max_length=2048))
    return folder / "bundle"
