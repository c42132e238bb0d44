"""Real bundles of every family for Node and the browser, and texts with the token ids that Python gives them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for hard_texts
CLIENTS = ROOT / "clients"
TIMEOUT = 600


def missing(what: str) -> None:
    """Skip, and say so; where nobody reads what was skipped, fail."""
    message = f"NOT TESTED: {what}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def node() -> Callable[..., str]:
    """Run Node on a file or a folder below clients/; fail with what it wrote."""
    program = shutil.which("node")
    if program is None:
        missing("Node 20 or newer is not installed")
    if not (CLIENTS / "node_modules").is_dir():
        missing("the packages of clients/ are not installed; `make test` does that, where npm is")

    def run(*words: str, **environment: Any) -> str:
        given = {name: json.dumps(one) if isinstance(one, dict) else str(one) for name, one in environment.items()}
        done = subprocess.run(
            [str(program), *words],
            cwd=CLIENTS,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    path = Path("/usr/bin/chromium")
    if not path.exists():
        missing("Chromium is not installed; `make test` does that for root, where apt is")
    return path


@pytest.fixture(scope="session")
def bundles(
    splade_bundle: Path, splade_int8_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The folder of each family's bundle in fp32 and int8."""
    from real_checkpoints import idf_inference_free, trained_csr

    from sparse_export import ExportOptions, Precision
    from sparse_export.pipeline import export

    found = {"splade-fp32": splade_bundle, "splade-int8": splade_int8_bundle}
    folder = tmp_path_factory.mktemp("families")
    for family, make in {"if": idf_inference_free, "csr": trained_csr}.items():
        for precision in (Precision.FP32, Precision.INT8):
            output = folder / f"{family}-{precision}"
            export(ExportOptions(model=str(make()), output=output, precision=precision))
            found[output.name] = output
    yield {name: str(path) for name, path in found.items()}
    shutil.rmtree(folder)  # a quarter of a gigabyte
