"""Real models, fetched by `make models`, and the bundles that tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Before any library loads: no test talks to a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # for tiny_checkpoints


@pytest.fixture(scope="session")
def splade_tiny() -> Path:
    """A real SPLADE: BERT, 2 layers x 128, 30,522 tokens."""
    path = ROOT / "models" / "splade-tiny"
    assert path.is_dir(), "run `make models` first"
    return path


def _export(model: Path, output: Path, precision: str) -> Path:
    from sparse_export import ExportOptions, Precision
    from sparse_export.pipeline import export

    export(ExportOptions(model=str(model), output=output, precision=Precision(precision)))
    return output


@pytest.fixture(scope="session")
def splade_bundle(splade_tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real SPLADE in fp32; copy it before changing it."""
    return _export(splade_tiny, tmp_path_factory.mktemp("bundles") / "fp32", "fp32")


@pytest.fixture(scope="session")
def splade_int8_bundle(splade_tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real SPLADE in int8; copy it before changing it."""
    return _export(splade_tiny, tmp_path_factory.mktemp("bundles") / "int8", "int8")


@pytest.fixture(scope="session")
def splade_fp16_bundle(splade_tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real SPLADE in fp16; copy it before changing it."""
    return _export(splade_tiny, tmp_path_factory.mktemp("bundles") / "fp16", "fp16")


@pytest.fixture(scope="session")
def idf_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """splade-tiny for documents, a table of inverse document frequencies for queries."""
    from real_checkpoints import idf_inference_free

    return _export(idf_inference_free(), tmp_path_factory.mktemp("idf") / "bundle", "fp32")


@pytest.fixture(scope="session")
def csr_checkpoint() -> Path:
    """MiniLM with an autoencoder that was trained for some seconds."""
    from real_checkpoints import trained_csr

    return trained_csr()


@pytest.fixture(scope="session")
def csr_bundle(csr_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM with its autoencoder in fp32; copy it before changing it."""
    return _export(csr_checkpoint, tmp_path_factory.mktemp("csr") / "bundle", "fp32")


@pytest.fixture(scope="session")
def tiny_bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Bundles of random models, by family and precision; copy one before changing it."""
    from tiny_checkpoints import FAMILIES, TINY_BUNDLES

    folder = tmp_path_factory.mktemp("tiny-bundles")
    models = {family: save(folder / family) for family, save in FAMILIES.items()}
    return {
        (family, precision): _export(models[family], folder / f"{family}-{precision}", precision)
        for family, precision in TINY_BUNDLES
    }
