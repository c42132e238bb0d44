"""Checkpoints are read as sentence-transformers reads them: every layout, prompts, lengths, adapters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from peft import LoraConfig
from sentence_transformers import SparseEncoder
from tokenizers import Tokenizer

from sparse_client import LocalEncoder
from sparse_client.bundle.manifest import Manifest
from sparse_client.bundle.reader import open_bundle
from sparse_client.parity.golden import read_golden
from sparse_export import ExportOptions, verify
from sparse_export.checkpoint.load import Checkpoint, read_checkpoint
from sparse_export.pipeline.export import export
from support.bundles import encode
from support.tiny_checkpoints import PADDED_VOCABULARY, VOCABULARY, save_masked_lm, save_splade

LEGACY = "sentence_transformers.sparse_encoder.models"
TEXTS = ["The weather is lovely today.", "fish"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare masked language model; copy it before changing it."""
    return save_masked_lm(tmp_path_factory.mktemp("checkpoints") / "bare", "bert", num_hidden_layers=1)


def read(model: Path, **choices: Any) -> Checkpoint:
    return read_checkpoint(ExportOptions(model=str(model), output=Path("unused"), **choices))


def bundle_of(model: Path, **choices: Any) -> tuple[Path, Manifest]:
    output = model.with_name(f"{model.name}-bundle")
    return output, export(ExportOptions(model=str(model), output=output, **choices))


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def assert_same(bundle: Path, model: Path, route: str = "document") -> None:
    """Compare a bundle with sentence-transformers."""
    encoder = SparseEncoder(str(model), device="cpu")
    encode_route = {"document": encoder.encode_document, "query": encoder.encode_query}[route]
    expected = encode_route(TEXTS, convert_to_sparse_tensor=False).numpy()
    for weights, found in zip(expected, encode(bundle, TEXTS, route), strict=True):
        assert sorted(found) == np.flatnonzero(weights).tolist()
        assert len(found) > 10
        np.testing.assert_allclose(weights[list(found)], list(found.values()), atol=1e-4)


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("activation", ["relu", "log1p_relu"])
def test_a_folder_of_version_6(pooling: str, activation: str, tmp_path: Path) -> None:
    checkpoint = read(save_splade(tmp_path / "model", pooling, activation, similarity_fn_name="cosine"))
    assert (checkpoint.encoder[1].pooling_strategy, checkpoint.encoder[1].activation_function) == (pooling, activation)
    assert checkpoint.encoder.similarity_fn_name == "cosine"
    assert (checkpoint.source, checkpoint.revision, checkpoint.encoder.max_seq_length) == ("model", None, 64)


def test_a_bare_masked_language_model_is_a_splade_with_max_pooling(bare: Path) -> None:
    checkpoint = read(bare)
    assert [type(module).__name__ for module in checkpoint.encoder] == ["Transformer", "SpladePooling"]
    assert (checkpoint.encoder[1].pooling_strategy, checkpoint.encoder[1].activation_function) == ("max", "relu")
    assert all(weight.dtype == torch.float32 for weight in checkpoint.encoder.parameters())


def save_version_5(folder: Path, subfolder: str) -> Path:
    """Write a folder as version 5 did, with the backbone at the top or in a folder of its own."""
    model = save_splade(folder, "sum", "log1p_relu")
    home = model / subfolder
    home.mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (model / name).rename(home / name)
    write_json(home / "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": True})
    if subfolder:
        (model / "sentence_bert_config.json").unlink()
    tokenizer = json.loads((home / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False  # so that do_lower_case has something to do
    write_json(home / "tokenizer.json", tokenizer)
    types = [f"{LEGACY}.{name}.{name}" for name in ("MLMTransformer", "SpladePooling")]
    paths = (subfolder, "1_SpladePooling")
    rows = zip(paths, types, strict=True)
    write_json(
        model / "modules.json",
        [{"idx": index, "name": str(index), "path": path, "type": kind} for index, (path, kind) in enumerate(rows)],
    )
    pooling = {"pooling_strategy": "sum", "activation_function": "log1p_relu"}
    write_json(model / "1_SpladePooling/config.json", pooling | {"word_embedding_dimension": PADDED_VOCABULARY})
    return model


@pytest.mark.parametrize("subfolder", ["", "0_MLMTransformer"])
def test_a_folder_of_version_5(subfolder: str, tmp_path: Path) -> None:
    model = save_version_5(tmp_path / "model", subfolder)
    bundle, content = bundle_of(model)
    assert (content.pooling, content.activation, content.max_length) == ("sum", "log1p_relu", 32)
    assert (content.family, content.dimension) == ("splade", PADDED_VOCABULARY)
    assert Tokenizer.from_file(str(bundle / "tokenizer.json")).encode("The").tokens == ["[CLS]", "the", "[SEP]"]
    assert_same(bundle, model)


PROMPTS: dict[str, dict[str, Any]] = {
    "both": {"prompts": {"query": "the bridge: ", "document": "a river, "}},
    "none of its routes": {"prompts": {"passage": "a river, ", "other": "how "}, "default_prompt_name": "other"},
}


@pytest.mark.parametrize("case", PROMPTS)
def test_prompts(case: str, tmp_path: Path) -> None:
    model = save_splade(tmp_path / "model", **PROMPTS[case])
    bundle, _ = bundle_of(model)
    assert_same(bundle, model, "document")
    assert_same(bundle, model, "query")
    assert {vector.route for vector in read_golden(open_bundle(bundle))} == {"document", "query"}
    assert set(verify(bundle)) == {"document", "query"}


@pytest.fixture(scope="module")
def short_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that pads on the left and knows 120 tokens of 512, cut to 16 tokens."""
    model = save_masked_lm(tmp_path_factory.mktemp("short") / "model", "bert", padding_side="left")
    return bundle_of(model, max_length=16)[0]


def test_max_length_cuts(short_bundle: Path) -> None:
    lengths = [len(vector.input_ids) for vector in read_golden(open_bundle(short_bundle))]
    assert max(lengths) == 16
    encoding = Tokenizer.from_file(str(short_bundle / "tokenizer.json")).encode("the weather " * 20)
    assert (len(encoding.ids), encoding.tokens[-1]) == (16, "[SEP]")
    assert sum(report.texts for report in verify(short_bundle).values()) == len(lengths)


def test_left_padding_stays_left(short_bundle: Path) -> None:
    tokenizer = Tokenizer.from_file(str(short_bundle / "tokenizer.json"))
    short, long = tokenizer.encode_batch(["fish", "the whale in the sea"])
    assert short.attention_mask == [0, 0, 0, 0, 1, 1, 1]
    assert long.attention_mask == [1] * 7
    assert_same(short_bundle, short_bundle.with_name("model"))


def test_left_padding_leaves_no_trace_in_a_vector(short_bundle: Path) -> None:
    """Padding on the left moves BERT's positions: PyTorch's own vector would depend on the neighbours of a text."""
    encoder, texts = LocalEncoder(short_bundle), ["fish", "the whale in the sea"]
    together, alone = encoder.encode_documents(texts), [encoder.encode_documents([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.indices.tolist() == other.indices.tolist()
        np.testing.assert_allclose(one.values, other.values, atol=1e-5)


def test_dimensions_without_a_token_are_named_by_their_number(short_bundle: Path) -> None:
    session = onnxruntime.InferenceSession(short_bundle / "decode.onnx")
    indices = np.array([[5, len(VOCABULARY), PADDED_VOCABULARY - 1, -1]], np.int32)
    (tokens,) = session.run(["tokens"], {"indices": indices, "values": np.ones_like(indices, np.float32)})
    assert tokens.tolist() == [["the", f"[dimension {len(VOCABULARY)}]", f"[dimension {PADDED_VOCABULARY - 1}]", ""]]


@pytest.mark.parametrize(("model_type", "positions"), [("bert", 80), ("roberta", 79), ("mpnet", 78)])
def test_max_length_ends_at_the_last_position(model_type: str, positions: int, tmp_path: Path) -> None:
    """RoBERTa counts positions from behind its padding id; here that is 0, in MPNet always 1."""
    model = save_masked_lm(tmp_path / "model", model_type)
    checkpoint = read(model, max_length=positions)
    assert checkpoint.encoder.max_seq_length == positions
    features = checkpoint.encoder.preprocess(["the " * 100])
    assert features["input_ids"].shape == (1, positions)
    assert checkpoint.encoder(features)["sentence_embedding"].isfinite().all()


def test_a_length_beyond_the_positions_in_the_checkpoint_is_cut(tmp_path: Path) -> None:
    model = save_masked_lm(tmp_path / "model", "roberta")
    settings = json.loads((model / "tokenizer_config.json").read_text())
    for length in (512, 10**30):
        write_json(model / "tokenizer_config.json", settings | {"model_max_length": length})
        assert read(model).encoder.max_seq_length == 79


ADAPTERS: dict[str, dict[str, Any]] = {
    "attention": {"target_modules": ["query", "value", "dense"]},
    # The decoder and the embeddings are one tensor in this model.
    "decoder": {"target_modules": ["query", "decoder"]},
    "embeddings": {"target_modules": ["word_embeddings"]},
    "whole module": {"target_modules": ["query"], "modules_to_save": ["transform"]},
}


def save_adapter(base: Path, folder: Path, **settings: Any) -> Path:
    """Write an adapter, none of whose weights is zero."""
    encoder = SparseEncoder(str(base), device="cpu")
    torch.manual_seed(1)
    encoder.add_adapter(LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, **settings))
    with torch.no_grad():
        for name, weight in encoder.named_parameters():
            if "modules_to_save" in name:
                weight.add_(torch.randn_like(weight), alpha=0.1)
    encoder.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.mark.parametrize("case", ADAPTERS)
def test_an_adapter_is_merged(bare: Path, case: str, tmp_path: Path) -> None:
    model = save_adapter(bare, tmp_path / "model", **ADAPTERS[case])
    assert not (model / "model.safetensors").exists()
    unmerged, base = SparseEncoder(str(model), device="cpu"), SparseEncoder(str(bare), device="cpu")
    difference = unmerged.encode(TEXTS).to_dense() - base.encode(TEXTS).to_dense()
    assert difference.abs().max() > 0.1, "the adapter must matter"
    assert_same(bundle_of(model)[0], model)


HUB = """
import sys
from sparse_export.cli import main
main(["--model", "an-org/a-model", "--output", sys.argv[1], *sys.argv[2:]], standalone_mode=False)
"""


def test_a_hub_id_comes_from_the_cache_where_the_hub_is_away(bare: Path, tmp_path: Path) -> None:
    repository, commit = tmp_path / "hub/models--an-org--a-model", "0123456789abcdef" * 2 + "01234567"
    shutil.copytree(bare, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    # A port where nobody answers: a hub that is really asked, and really away.
    away = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(tmp_path / "hub")}
    command = [sys.executable, "-c", HUB, str(tmp_path / "bundle")]
    done = subprocess.run(command, env=os.environ | away, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    source = json.loads((tmp_path / "bundle/manifest.json").read_text())["source"]
    assert (source["id"], source["revision"]) == ("an-org/a-model", commit)
    assert "weights" not in done.stderr, "no progress bar of a library"
