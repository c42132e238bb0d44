"""Checkpoints of `model_type: new`, whose own code no longer runs, by transformers' own GTE."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from transformers import AutoTokenizer, GteConfig, GteForTokenClassification

from sparse_client import LocalEncoder
from sparse_client.parity.replay import verify
from sparse_export import ExportOptions
from sparse_export.checkpoint.natively import native_config
from sparse_export.errors import CheckpointError, UnsupportedCheckpointError
from sparse_export.options import Precision
from sparse_export.pipeline.export import export
from support.tiny_checkpoints import VOCABULARY, tiny_tokenizer
from support.token_weight_checkpoints import as_custom_code, gte_settings, save_gte

TEXTS = ["fish fish weather", "the bank of the river", "water bread"]


@pytest.mark.parametrize(("factor", "width"), [(8.0, 64), (2.0, 64), (8.0, 8)])
def test_frequencies_are_those_of_the_custom_code(factor: float, width: int) -> None:
    """Written out from that code: the base is multiplied, and all frequencies are divided once more."""
    config = {"vocab_size": 600, "hidden_size": width, "num_attention_heads": 1, "max_position_embeddings": 80}
    config |= {"rope_theta": 20_000, "rope_scaling": {"factor": factor, "type": "ntk"}}
    native = GteConfig(**{**native_config(config, "m"), "num_hidden_layers": 1, "intermediate_size": 8})
    found = transformers.GteModel(native).rotary_emb.inv_freq.numpy()
    exponents = np.arange(0, width, 2) / width
    expected = 1 / (20_000 * factor) ** exponents / factor ** (2 / width)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_token_weights(tmp_path: Path) -> None:
    """Alibaba-NLP/gte-multilingual-base: the authors' formula on transformers' own class."""
    model = save_gte(tmp_path / "model")
    export(ExportOptions(str(model), tmp_path / "bundle", with_dense=True))
    native = tmp_path / "native"
    config = GteConfig(**gte_settings(num_labels=1))
    torch.manual_seed(0)
    expected_model = GteForTokenClassification(config).eval()
    expected_model.classifier.bias.data.fill_(0.5)
    expected_model.save_pretrained(native)
    tokenizer = AutoTokenizer.from_pretrained(model)
    vectors, dense = LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS, dense=True)
    for text, vector, row in zip(TEXTS, vectors, dense, strict=True):
        inputs = tokenizer(text, return_tensors="pt")
        inputs.pop("token_type_ids", None)
        with torch.no_grad():
            output = expected_model(**inputs, output_hidden_states=True)
        expected: dict[int, float] = {}
        logits = torch.relu(output.logits)[0, :, 0].tolist()
        for index, weight in zip(inputs["input_ids"][0].tolist(), logits, strict=True):
            if index > 3 and weight > expected.get(index, 0.0):
                expected[index] = weight
        found = dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))
        assert found == pytest.approx(expected, abs=1e-4)
        first = torch.nn.functional.normalize(output.hidden_states[-1][0, 0], dim=0).numpy()
        np.testing.assert_allclose(row, first, atol=1e-5)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_inference_free(tmp_path: Path, precision: Precision) -> None:
    """opensearch-neural-sparse-encoding-doc-v3-gte: documents by such a model, in a folder of its own."""
    bare = save_masked_gte(tmp_path / "bare")
    document = Transformer(str(bare), transformer_task="fill-mask")
    query = SparseStaticEmbedding(tokenizer=document.tokenizer, weight=torch.rand(len(VOCABULARY)))
    pooling = SpladePooling(activation_function="log1p_relu")
    router = Router.for_query_document(query_modules=[query], document_modules=[document, pooling])
    folder = tmp_path / "model"
    SparseEncoder(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    expected = SparseEncoder(str(folder), device="cpu").encode_document(TEXTS, convert_to_sparse_tensor=False)
    as_custom_code(folder / "document_0_Transformer", "NewForMaskedLM")
    export(ExportOptions(str(folder), tmp_path / "bundle", precision))
    assert verify(tmp_path / "bundle").passed
    if precision is Precision.FP32:
        for vector, row in zip(LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS), expected, strict=True):
            np.testing.assert_allclose(vector.values, row[vector.indices.tolist()], atol=1e-4)
    assert not list(tmp_path.glob("**/*.partial"))


def save_masked_gte(folder: Path) -> Path:
    torch.manual_seed(0)
    settings = {**gte_settings(), "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    transformers.GteForMaskedLM(GteConfig(**settings)).eval().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def test_a_bare_masked_language_model(tmp_path: Path) -> None:
    folder = save_masked_gte(tmp_path / "bare")
    as_custom_code(folder, "NewForMaskedLM")
    manifest = export(ExportOptions(str(folder), tmp_path / "bundle"))
    assert manifest.backbone is not None
    assert manifest.backbone.model_type == "gte"
    assert json.loads((folder / "config.json").read_text())["model_type"] == "new"  # the checkpoint stays as it was


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer_norm_type": "rms_norm"}, "has layer_norm_type = 'rms_norm', which transformers' gte does not compute"),
        ({"position_embedding_type": "absolute"}, "has position_embedding_type = 'absolute'"),
        ({"logn_attention_scale": True}, "has logn_attention_scale = True"),
        ({"rope_scaling": {"factor": 8.0, "type": "ntk", "mixed_b": 0.5}}, "exported are null and type 'ntk'"),
        ({"rope_scaling": {"type": "ntk"}}, "exported are null and type 'ntk' with a factor"),
        ({"rope_scaling": {"factor": 8.0, "type": "dynamic"}}, "exported are null and type 'ntk'"),
    ],
)
def test_what_transformers_does_not_compute(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    model = save_gte(tmp_path / "model", **changes)
    with pytest.raises(UnsupportedCheckpointError, match=message):
        export(ExportOptions(str(model), tmp_path / "bundle"))


def test_a_setting_is_missing(tmp_path: Path) -> None:
    model = save_gte(tmp_path / "model", rope_theta=None)
    with pytest.raises(CheckpointError, match=r"config.json of .*model' lacks rope_theta"):
        export(ExportOptions(str(model), tmp_path / "bundle"))
