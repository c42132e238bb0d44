"""Where int8 misses its promise, products go back to float until it is kept; else the export fails."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import onnx_ir as ir
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoder

from sparse_export import ExportOptions, Precision, verify
from sparse_export.pipeline.export import export
from support.commands import error_of, run
from support.tiny_checkpoints import UNIT, save_masked_lm, unbalance_an_attention

TEXTS = ["The weather is lovely today.", "a whale in the sea"]


def save_changed(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    """Write a model, with changed weights, that gives the same vectors as it did before."""
    model = save_masked_lm(folder, "bert", tie_word_embeddings=False)
    before = SparseEncoder(str(model), device="cpu").encode(TEXTS).to_dense()
    tensors = load_file(model / "model.safetensors")
    change(tensors)
    save_file(tensors, model / "model.safetensors", {"format": "pt"})
    after = SparseEncoder(str(model), device="cpu").encode(TEXTS).to_dense()
    torch.testing.assert_close(after, before, atol=1e-2, rtol=0)
    return model


def shift_the_embeddings(tensors: dict[str, torch.Tensor]) -> None:
    """Add to each token what its position takes away again: tables are always int8, so nothing can mend that."""
    tensors["bert.embeddings.word_embeddings.weight"][:, UNIT] += 500
    tensors["bert.embeddings.position_embeddings.weight"][:, UNIT] -= 500


@pytest.mark.parametrize("external_data_bytes", [2**31, 10_000])
def test_the_product_that_suffers_goes_back_to_float(
    tmp_path: Path, external_data_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    model, bundle = save_changed(tmp_path / "model", unbalance_an_attention), tmp_path / "bundle"
    caplog.set_level(logging.INFO, "sparse_export")
    options = ExportOptions(str(model), bundle, precision=Precision.INT8, external_data_bytes=external_data_bytes)
    content = export(options)
    assert content.in_float == ("bert.encoder.layer.0.attention.output.dense",)
    assert next(iter(content.sensitivity)) == "bert.encoder.layer.0.attention.output.dense"
    assert list(content.sensitivity.values()) == sorted(content.sensitivity.values(), reverse=True)
    assert content.precision == "int8"
    assert "products in float" in caplog.text
    nodes = [node.op_type for node in ir.load(bundle / "document.onnx").graph]
    assert nodes.count("MatMul") == 1
    assert verify(bundle)["document"].mean_cosine >= 0.995


def test_it_goes_back_in_a_pruned_graph_too(tmp_path: Path) -> None:
    model, texts = save_changed(tmp_path / "model", unbalance_an_attention), tmp_path / "texts.txt"
    texts.write_text("".join(f"water fish {left} {right}\n" for left in "abcdefghijk" for right in "abcdefghijk"))
    pruning = {"prune_vocabulary": texts, "prune_min_count": 100}
    content = export(ExportOptions(str(model), tmp_path / "bundle", precision=Precision.INT8, **pruning))  # type: ignore[arg-type]
    assert content.in_float == ("bert.encoder.layer.0.attention.output.dense",)
    assert content.pruning is not None
    assert content.pruning.dropped


def test_it_is_told(tmp_path: Path) -> None:
    model = save_changed(tmp_path / "model", unbalance_an_attention)
    result = run("--model", model, "--output", tmp_path / "bundle", "--quantize", "int8")
    assert "left in float to keep the promise" in result.stdout
    (in_float,) = json.loads((tmp_path / "bundle" / "manifest.json").read_text())["in_float"]
    inspected = run("inspect", tmp_path / "bundle").stdout
    assert re.search(rf"{in_float} *│ 0\.\d+ *│ float", inspected)
    assert re.search(r"head *│ 0\.\d+ *│ int8", inspected)


def test_what_cannot_be_mended_fails_with_its_figures(tmp_path: Path) -> None:
    model, output = save_changed(tmp_path / "model", shift_the_embeddings), tmp_path / "parent" / "bundle"
    error = error_of("--model", model, "--output", output, "--quantize", "int8")
    assert "The int8 graph differs from PyTorch by more than it may: alone: mean cosine 0." in error
    assert "is below 0.995" in error
    assert not output.parent.exists()
