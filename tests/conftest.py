"""Real models, fetched by `make models`, and the bundles that tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

# Before any library loads: no test talks to a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker for each core
    os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).parent.parent
# A shell starts jobs in the background with SIGINT ignored, and what is tested would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def splade_tiny() -> Path:
    """A real SPLADE: BERT, 2 layers x 128, 30,522 tokens."""
    path = ROOT / "models" / "splade-tiny"
    assert path.is_dir(), "run `make models` first"
    return path


@pytest.fixture(scope="session")
def real_bundle(splade_tiny: Path) -> Callable[[str, str], Path]:
    """Return the bundle of a real model by family and precision, exported when first asked for.

    Copy it before changing it.
    """
    from support.cached_bundles import real_bundle

    return cache(real_bundle)


@pytest.fixture(scope="session")
def splade_bundle(real_bundle: Callable[[str, str], Path]) -> Path:
    """The real SPLADE in fp32; copy it before changing it."""
    return real_bundle("splade", "fp32")


@pytest.fixture(scope="session")
def splade_int8_bundle(real_bundle: Callable[[str, str], Path]) -> Path:
    """The real SPLADE in int8; copy it before changing it."""
    return real_bundle("splade", "int8")


@pytest.fixture(scope="session")
def splade_vnni_bundle(splade_tiny: Path) -> Path:
    """The real SPLADE in the int8 form that saturates on some processors; copy it before changing it."""
    from sparse_export import Cpu
    from support.cached_bundles import real_bundle

    return real_bundle("splade", "int8", Cpu.VNNI)


@pytest.fixture(scope="session")
def splade_fp16_bundle(real_bundle: Callable[[str, str], Path]) -> Path:
    """The real SPLADE in fp16; copy it before changing it."""
    return real_bundle("splade", "fp16")


@pytest.fixture(scope="session")
def idf_bundle(real_bundle: Callable[[str, str], Path]) -> Path:
    """splade-tiny for documents, a table of inverse document frequencies for queries, in fp32."""
    return real_bundle("inference-free", "fp32")


@pytest.fixture(scope="session")
def csr_checkpoint() -> Path:
    """MiniLM with an autoencoder that was trained for some seconds."""
    from support.real_checkpoints import trained_csr

    return trained_csr()


@pytest.fixture(scope="session")
def csr_bundle(real_bundle: Callable[[str, str], Path]) -> Path:
    """MiniLM with its autoencoder in fp32; copy it before changing it."""
    return real_bundle("csr", "fp32")


@pytest.fixture(scope="session")
def tiny_bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Bundles of random models, by family and precision; copy one before changing it."""
    from sparse_export import ExportOptions, Precision
    from sparse_export.pipeline.export import export
    from support.tiny_checkpoints import FAMILIES, TINY_BUNDLES

    folder = tmp_path_factory.mktemp("tiny-bundles")
    models = {family: save(folder / family) for family, save in FAMILIES.items()}
    bundles = {(family, precision): folder / f"{family}-{precision}" for family, precision in TINY_BUNDLES}
    for (family, precision), output in bundles.items():
        export(ExportOptions(model=str(models[family]), output=output, precision=Precision(precision)))
    return bundles


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file on one worker, for its fixtures, and all tests of the server, which is started once."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group(folder if folder == "serving" else str(item.path)))
