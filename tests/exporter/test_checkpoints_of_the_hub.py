"""Checkpoints in the forms that the hub has them: shards, pickles, half precision, more tokens than embeddings know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoder
from transformers import AutoModelForMaskedLM, AutoTokenizer

from sparse_client import LocalEncoder
from sparse_client.parity.replay import verify
from sparse_export import ExportOptions
from sparse_export.errors import CheckpointError
from sparse_export.pipeline.export import export
from support.tiny_checkpoints import save_masked_lm
from support.token_weight_checkpoints import save_bge_m3

WEIGHTS = "model.safetensors"
TEXTS = ["the weather is lovely today", "fish"]


def sharded(folder: Path) -> None:
    AutoModelForMaskedLM.from_pretrained(folder).save_pretrained(folder, max_shard_size="20KB")
    (folder / WEIGHTS).unlink(missing_ok=True)
    assert len(list(folder.glob("model-*.safetensors"))) > 2


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def in_bfloat16(folder: Path) -> None:
    save_file(
        {name: tensor.bfloat16() for name, tensor in load_file(folder / WEIGHTS).items()},
        folder / WEIGHTS,
        {"format": "pt"},
    )
    config = json.loads((folder / "config.json").read_text()) | {"dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config))


def with_tied_weights_stored(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
    tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"].clone()
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})


def with_a_variant_beside(folder: Path) -> None:
    tensors = {name: torch.zeros_like(tensor) for name, tensor in load_file(folder / WEIGHTS).items()}
    save_file(tensors, folder / "model.fp16.safetensors", {"format": "pt"})


def with_more_positions_than_texts_use(folder: Path) -> None:
    model = AutoModelForMaskedLM.from_pretrained(folder)
    config = model.config
    config.max_position_embeddings = 40_000
    torch.manual_seed(0)
    larger = transformers.BertForMaskedLM(config)
    state = model.state_dict()
    positions = larger.bert.embeddings.position_embeddings.weight.detach().clone()
    positions[:80] = state["bert.embeddings.position_embeddings.weight"]
    larger.load_state_dict(state | {"bert.embeddings.position_embeddings.weight": positions})
    larger.save_pretrained(folder)


def with_added_tokens(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["lovely weather", "fishbone"])
    tokenizer.save_pretrained(folder)


FORMS: dict[str, Callable[[Path], None]] = {
    form.__name__: form
    for form in (
        sharded,
        pickled,
        in_bfloat16,
        with_tied_weights_stored,
        with_a_variant_beside,
        with_more_positions_than_texts_use,
        with_added_tokens,
    )
}


@pytest.mark.parametrize("form", FORMS)
def test_form(tmp_path: Path, form: str) -> None:
    folder = save_masked_lm(tmp_path / "model", "bert")
    FORMS[form](folder)
    manifest = export(ExportOptions(str(folder), tmp_path / "bundle"))
    assert verify(tmp_path / "bundle").passed
    assert manifest.source is not None
    assert manifest.source.size > 50_000
    expected = SparseEncoder(str(folder), device="cpu", model_kwargs={"dtype": torch.float32}).encode_document(TEXTS)
    found = LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS)
    for row, vector in zip(expected.to_dense().numpy(), found, strict=True):
        assert vector.values.tolist() == pytest.approx(row[vector.indices.tolist()].tolist(), abs=1e-4)
        assert len(vector) == (row != 0).sum()


def test_the_source_is_what_was_loaded(tmp_path: Path) -> None:
    """The same weights lie on the hub in other formats, too, and what a training left."""
    folder = save_masked_lm(tmp_path / "model", "bert", num_hidden_layers=1)
    alone = export(ExportOptions(str(folder), tmp_path / "alone")).source
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    for name in (
        "training_args.bin",
        "onnx/model.onnx",
        "openvino/openvino_model.bin",
        "model.fp16.safetensors",
        "checkpoint-9/model.safetensors",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"other")
    assert export(ExportOptions(str(folder), tmp_path / "beside")).source == alone
    assert alone is not None
    assert alone.size == (folder / WEIGHTS).stat().st_size


def test_a_token_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    """PyTorch has no embedding for it, and a graph would read past the table."""
    folder = save_masked_lm(tmp_path / "model", "bert", vocab_size=100)
    with pytest.raises(
        CheckpointError, match="tokens that the model has no embedding for, such as '.*' with id 100, where"
    ):
        export(ExportOptions(str(folder), tmp_path / "bundle"))


def test_bge_m3_as_the_hub_has_it(tmp_path: Path) -> None:
    """A pickle of weights, and files of other formats beside it."""
    folder = save_bge_m3(tmp_path / "model")
    pickled(folder)
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"of somebody else")
    manifest = export(ExportOptions(str(folder), tmp_path / "bundle", with_dense=True))
    assert verify(tmp_path / "bundle").passed
    assert manifest.family == "token-weights"
