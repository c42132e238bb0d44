"""A bundle is checked byte by byte; an intact one needs no torch, and may be moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sparse_export import ExportOptions, Precision, verify
from sparse_export.pipeline.export import export
from support.bundles import encode
from support.commands import content_of, error_of, run

FILES = ("document.onnx", "decode.onnx", "tokenizer.json", "golden.jsonl", "README.md")


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that may be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_an_intact_bundle_passes(bundle: Path) -> None:
    result = run("verify", bundle)
    assert result.exit_code == 0, result.stderr
    assert "fp32, verified" in result.stdout
    assert "largest difference" in result.stdout


def test_graphs_do_not_tell_where_they_were_made(tiny_bundle: Path) -> None:
    for file in tiny_bundle.glob("*.onnx"):
        content = file.read_bytes()
        assert b"stack_trace" not in content
        assert b"site-packages" not in content


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_changed_byte(bundle: Path, command: str, name: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    error = error_of(command, bundle)
    assert f"{bundle / name} was altered: its sha256 is not that of manifest.json" in error


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    assert f"{bundle / name} is missing although manifest.json names it" in error_of("verify", bundle)


@pytest.mark.parametrize("command", ["verify", "inspect"])
@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_no_bundle(tmp_path: Path, name: str, command: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    assert str(tmp_path / name) in error_of(command, tmp_path / name)


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "sentence_transformers"):
            raise ImportError(name + " is not installed")

sys.meta_path.insert(0, Blocker())
from sparse_export.cli import main
main([sys.argv[1], sys.argv[2]], standalone_mode=False)
main([sys.argv[1].replace("verify", "inspect"), sys.argv[2]], standalone_mode=False)
"""


def test_verify_and_inspect_need_no_torch(tiny_bundle: Path) -> None:
    command = [sys.executable, "-c", BLOCKED, "verify", str(tiny_bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "fp32, verified" in done.stdout
    assert "[batch, active]" in done.stdout
    assert done.stderr == ""


@pytest.fixture(scope="module")
def large_bundle(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with its weights beside the graph, as those of 2 GB and more have them."""
    output = tmp_path_factory.mktemp("large") / "bundle"
    export(ExportOptions(str(tiny_model), output, precision=Precision.INT8, external_data_bytes=10_000))
    return output


def test_external_data_is_listed_and_checked(large_bundle: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(large_bundle, tmp_path / "bundle"))
    side_file = bundle / "document.onnx.data"
    listed = json.loads((bundle / "manifest.json").read_text())["files"]["document.onnx.data"]
    assert listed["size"] == side_file.stat().st_size > 10_000
    assert (bundle / "document.onnx").stat().st_size < (bundle / "golden.jsonl").stat().st_size
    data = bytearray(side_file.read_bytes())
    data[-1] ^= 1
    side_file.write_bytes(data)
    assert "document.onnx.data was altered" in error_of("verify", bundle)
    side_file.unlink()
    assert "document.onnx.data is missing" in error_of("verify", bundle)


def test_external_data_moves_with_the_bundle(
    large_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["the whale in the sea", "a bank"]
    before = encode(large_bundle, texts)
    moved = Path(shutil.copytree(large_bundle, tmp_path / "elsewhere" / "moved"))
    monkeypatch.chdir(tmp_path)
    assert encode(Path("elsewhere/moved"), texts) == before
    assert verify(moved)["document"].texts > 30
    assert run("inspect", moved).exit_code == 0
    assert content_of(moved) == content_of(large_bundle)
    os.chdir("/")
    assert encode(moved, texts) == before
