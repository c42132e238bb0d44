"""Decoder-only backbones: causal under an autoencoder, and made bidirectional as a masked language model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from sparse_client import LocalEncoder
from sparse_client.parity.replay import verify
from sparse_export import ExportOptions
from sparse_export.options import Precision
from sparse_export.pipeline.export import export
from support.decoder_checkpoints import save_causal_csr, save_splade_code
from support.tiny_checkpoints import COMMON, save_masked_lm

TEXTS = ["water bread", "the doctor and the patient", "search engine of the museum by the river"]


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
@pytest.mark.parametrize("padding_side", ["left", "right"])
@pytest.mark.parametrize("is_causal", [True, False])
def test_csr(tmp_path: Path, is_causal: bool, padding_side: str, precision: Precision) -> None:
    model = save_causal_csr(tmp_path / "model", padding_side, is_causal)
    manifest = export(ExportOptions(str(model), tmp_path / "bundle", precision))
    assert manifest.graphs["document.onnx"].operators["MultiHeadAttention"] == 2
    assert verify(tmp_path / "bundle").passed


def test_a_causal_mask_makes_a_difference(tmp_path: Path) -> None:
    """So that the test before would see if it were left out."""
    vectors = []
    for name, is_causal in (("causal", True), ("bidirectional", False)):
        (tmp_path / name).mkdir()
        export(
            ExportOptions(
                str(save_causal_csr(tmp_path / name / "model", "right", is_causal)), tmp_path / name / "bundle"
            )
        )
        vectors.append(LocalEncoder(tmp_path / name / "bundle").encode_documents(TEXTS))
    assert [one.indices.tolist() for one in vectors[0]] != [one.indices.tolist() for one in vectors[1]]


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
@pytest.mark.parametrize("padding_side", ["left", "right"])
def test_splade(tmp_path: Path, padding_side: str, precision: Precision) -> None:
    model = save_splade_code(tmp_path / "model", padding_side)
    manifest = export(ExportOptions(str(model), tmp_path / "bundle", precision, trust_remote_code=True))
    assert manifest.graphs["document.onnx"].operators["MultiHeadAttention"] == 2
    assert verify(tmp_path / "bundle").passed


@pytest.mark.parametrize("code", ["model", "configuration"])
def test_code_is_not_run_unasked(tmp_path: Path, code: str) -> None:
    model = save_splade_code(tmp_path / "model", "left")
    if code == "configuration":
        config = json.loads((model / "config.json").read_text())
        config |= {"model_type": "mine", "auto_map": {"AutoConfig": "configuration_mine.Mine"}}
        (model / "config.json").write_text(json.dumps(config))
    # In a process of its own: once trusted, a class is known to transformers.
    command = [Path(sys.executable).with_name("sparse-export"), "--model", model, "--output", tmp_path / "bundle"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    expected = "needs custom code to load, which runs only if you allow it; read it, then give --trust-remote-code ("
    assert expected in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_a_vocabulary_of_256_000(tmp_path: Path, precision: Precision) -> None:
    """mmBERT: a ModernBERT with five times the vocabulary."""
    model = save_masked_lm(tmp_path / "model", "modernbert", vocab_size=256_000)
    weights = load_file(model / "model.safetensors")
    weights["decoder.bias"][COMMON["vocab_size"] : -2] = -100.0  # else half of them are active
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    manifest = export(ExportOptions(str(model), tmp_path / "bundle", precision))
    assert manifest.dimension == 256_000
    assert 100 < max(len(vector) for vector in LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS)) < 600
