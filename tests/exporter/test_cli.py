"""The command: its help, its defaults, what goes to which stream."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sparse_export.cli import in_options, main
from support.commands import error_of, run
from support.tiny_checkpoints import save_masked_lm, save_splade


@pytest.mark.parametrize("command", [[], ["export"], ["verify"], ["inspect"]])
def test_help_shows_an_example(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert re.search(r"^ +sparse-export \S", result.stdout.partition("Usage")[2], re.MULTILINE)


def test_export_is_the_default_and_names_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_splade(tmp_path / "mine")
    result = run("--model", "mine", "--quantize", "fp16")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "mine-fp16" / "manifest.json").is_file()
    assert "fp16 is for GPU and WebGPU" in result.stderr
    for figure in ("largest difference", "mean cosine", "top-64 overlap", "active dimensions", "weights before"):
        assert figure in result.stdout
    assert "Tracing" in result.stderr
    assert "Tracing" not in result.stdout


def test_verify_and_inspect(splade_int8_bundle: Path) -> None:
    verified = run("verify", splade_int8_bundle)
    assert verified.exit_code == 0
    assert "int8, verified" in verified.stdout
    inspected = run("inspect", splade_int8_bundle).stdout
    for part in (
        "splade",
        "30522",
        "input_ids int64 [batch, sequence]",
        "indices int32 [batch, active]",
        "decode.onnx",
    ):
        assert part in inspected
    assert re.search(r"\d+ MatMulInteger", inspected)


@pytest.mark.parametrize("columns", ["40", "200"])
def test_no_width_folds_a_path(splade_int8_bundle: Path, tmp_path: Path, monkeypatch: Any, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.chdir(tmp_path)
    for bundle in (Path("b"), Path(*["a folder with a [long] name"] * 9)):
        bundle.parent.mkdir(parents=True, exist_ok=True)
        bundle.symlink_to(splade_int8_bundle, target_is_directory=True)
        assert f"{bundle}: int8, verified" in run("verify", bundle).stdout.splitlines()
        assert str(bundle) in run("inspect", bundle).stdout.splitlines()


def test_a_changed_byte_fails_verify(splade_bundle: Path, tmp_path: Path) -> None:
    bundle = shutil.copytree(splade_bundle, tmp_path / "bundle")
    data = bytearray((bundle / "document.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / "document.onnx").write_bytes(data)
    assert "was altered" in error_of("verify", bundle)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-length", "0"], "--max-length 0 is too small; give 1 or more."),
        (["--max-length", "1000"], "--max-length is 1000, but the model has 80 positions; give at most 80."),
        (["--max-active-dims", "0"], "--max-active-dims 0 is too small"),
        (["--min-ndcg-ratio", "1.5"], "--min-ndcg-ratio is 1.5; it must lie between 0 and 1."),
        (["--sae-only"], "has no sparse autoencoder; export it without --sae-only."),
        (["--sae-only", "--eval-data", "."], "leave out one."),
    ],
)
def test_numbers_out_of_range(arguments: list[str], message: str, tmp_path: Path) -> None:
    model = save_masked_lm(tmp_path / "model", "bert")
    assert message in error_of("--model", model, "--output", tmp_path / "bundle", *arguments)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("arguments", [["--quantize", "int4"], ["--opset", "12"], ["--unknown"], []])
def test_what_click_refuses(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["--model", "x", *arguments] if arguments else ["export"])
    assert result.exit_code == 2
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("library", "command"),
    [
        ("prune_min_count=2 needs prune_vocabulary.", "--prune-min-count 2 needs --prune-vocabulary."),
        ("give precision=int8 or form=dense", "give --quantize int8 or --dense"),
        ("it exists; give force=True", "it exists; give --force"),
        ("'a/max_length/precision=fp16' is missing", "'a/max_length/precision=fp16' is missing"),
        ("a tensor on cpu, by force", "a tensor on cpu, by force"),
    ],
)
def test_an_error_speaks_of_options_and_leaves_paths_alone(library: str, command: str) -> None:
    assert in_options(library) == command
