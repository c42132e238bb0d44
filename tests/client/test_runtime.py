"""An ONNX Runtime that is missing, too old, or cannot be imported is refused by a sentence with both versions."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from sparse_client import SparseClientError
from sparse_client.bundle.runtime import OLDEST, load_onnxruntime

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Return a function that puts an onnxruntime of a version in front of the installed one."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)

    def put(version: str, code: str, distribution: str = "onnxruntime") -> None:
        (tmp_path / "onnxruntime").mkdir()
        (tmp_path / "onnxruntime" / "__init__.py").write_text(code)
        facts = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (facts / "top_level.txt").write_text("onnxruntime\n")

    return put


def refusal() -> str:
    with pytest.raises(SparseClientError) as caught:
        load_onnxruntime()
    return str(caught.value)


def test_the_requirement_says_the_same() -> None:
    extras = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    assert f"onnxruntime>={OLDEST}" in extras["cpu"][0]


@pytest.mark.parametrize("distribution", ["onnxruntime", "onnxruntime-gpu"])
@pytest.mark.parametrize("code", ["__version__ = '1.18.1'", "raise ImportError"])
def test_an_old_one(install, code: str, distribution: str) -> None:
    # Beside numpy 2, onnxruntime 1.18 raises an ImportError without a word.
    install("1.18.1", code, distribution)
    assert refusal() == (
        f"LocalEncoder needs onnxruntime {OLDEST} or later, found 1.18.1: pip install 'sparse-export[cpu]'"
    )


@pytest.mark.parametrize(("error", "why"), [("", "the import gives no reason"), ("libgomp.so.1", "libgomp.so.1")])
def test_one_that_cannot_be_imported(install, error: str, why: str) -> None:
    install("1.20.1", f"raise ImportError({error!r})")
    assert refusal() == (f"onnxruntime 1.20.1 is installed but cannot be imported beside numpy {np.__version__}: {why}")


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("importlib.metadata.packages_distributions", dict)
    assert refusal().startswith(f"LocalEncoder needs onnxruntime {OLDEST} or later, found none: ")


def test_a_new_one(install) -> None:
    install("10.2", "__version__ = '10.2.0+cu13'")
    assert load_onnxruntime().__version__ == "10.2.0+cu13"
