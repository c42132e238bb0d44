"""What a user installs: the wheel, in its own environment with a runtime and without torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("clients/python", "exporter", "training", "pyproject.toml", "README.md", "LICENSE")
COMMANDS = (
    *(("sparse-client", command) for command in ("encode", "decode", "explain", "verify", "bench")),
    *(("sparse-export", command) for command in ("export", "verify", "inspect", "models", "triton", "serve")),
    *(("sparse-train", command) for command in ("train", "mine")),
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(output), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    (found,) = output.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment with `[cpu,triton]`."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "pip"), "install", "--quiet", f"{wheel}[cpu,triton]"]
    pins = {"PIP_CONSTRAINT": str(ROOT / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(install, env=os.environ | pins, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def run(bin_folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command away from the sources."""
    command = [str(bin_folder / str(words[0])), *map(str, words[1:])]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=bin_folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_what_the_wheel_holds(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in ("sparse_client", "sparse_export", "sparse_train")} <= names
    assert {"sparse_train/recipes/wordnet-splade.yaml", "sparse_export/serving/backend/onnxruntime/model.py"} <= names
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "scripts"))]


def test_there_is_no_torch(bin_folder: Path) -> None:
    heavy = "import importlib.util as u; print([n for n in ('torch', 'transformers', 'onnx') if u.find_spec(n)])"
    assert run(bin_folder, "python", "-c", heavy).stdout == "[]\n"


@pytest.mark.parametrize(("command", "subcommand"), COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(bin_folder: Path, command: str, subcommand: str, flag: str) -> None:
    shown = run(bin_folder, command, subcommand, flag)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Usage: {command} {subcommand}" in shown.stdout


def test_a_bundle_is_used_checked_and_served(bin_folder: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    encoded = run(bin_folder, "sparse-client", "encode", "--bundle", tiny_bundle, "the whale in the sea")
    assert encoded.returncode == 0, encoded.stderr
    assert '"indices"' in encoded.stdout
    for command in ("sparse-export", "sparse-client"):
        words = ["verify", tiny_bundle] if command == "sparse-export" else ["verify", "--bundle", tiny_bundle]
        verified = run(bin_folder, command, *words)
        assert verified.returncode == 0, verified.stderr
        assert verified.stdout.endswith("fp32, verified\n")
    assert "BAAI/bge-m3" in run(bin_folder, "sparse-export", "models").stdout
    inspected = run(bin_folder, "sparse-export", "inspect", tiny_bundle)
    assert inspected.returncode == 0, inspected.stderr
    assert "MatMul" in inspected.stdout
    written = run(bin_folder, "sparse-export", "triton", tiny_bundle, "--repository", tmp_path / "models")
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "models").is_dir()


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("sparse-export", "--model", "x"), "sparse-export[export]"),
        (("sparse-train", "wordnet-splade"), "sparse-export[train]"),
        (("sparse-train", "--describe"), "sparse-export[train]"),
        (("sparse-train", "mine", "--model", "x", "--data", "y", "--output", "z.jsonl"), "sparse-export[train]"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_installs_it(
    bin_folder: Path, words: tuple[str, ...], missing: str
) -> None:
    refused = run(bin_folder, *words)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith(f"pip install '{missing}'.")
