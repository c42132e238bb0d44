"""Models of other kinds, and paths to nothing: the error says what it is and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling

from support.commands import error_of
from support.tiny_checkpoints import COMMON, save_masked_lm, save_splade, tiny_tokenizer

HIDDEN = COMMON["hidden_size"]


def save_transformer(folder: Path, name: str) -> Path:
    """Write a tiny transformers model of any class."""
    model_class = getattr(transformers, name)
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 4, "bos_token_id": 2, "eos_token_id": 3}  # as GPT-2 calls them
    config = model_class.config_class(**{**COMMON, **(sizes if name.startswith("GPT2") else {})})
    model_class(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def save_cross_encoder(folder: Path, of: str = "BertForSequenceClassification") -> Path:
    """Write what sentence-transformers writes for a cross-encoder, a decoder-only one among them."""
    CrossEncoder(str(save_transformer(folder / "bare", of)), device="cpu").save_pretrained(str(folder))
    return folder


def save_dense(folder: Path) -> Path:
    """Write a dense SentenceTransformer."""
    modules = [Transformer(str(save_transformer(folder / "bare", "BertModel"))), Pooling(HIDDEN, "mean")]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


def save_normalized(folder: Path) -> Path:
    """Write a SPLADE with a module behind it that no family has."""
    modules = [*SparseEncoder(str(save_splade(folder / "splade")), device="cpu"), Normalize()]
    SparseEncoder(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


def save_router(folder: Path) -> Path:
    """Write a Router whose routes are not those of a search."""
    modules = list(SparseEncoder(str(save_splade(folder / "splade")), device="cpu"))
    router = Router({"question": modules, "passage": modules}, default_route="passage")
    SparseEncoder(modules=[router], device="cpu").save_pretrained(str(folder), create_model_card=False)
    return folder


KINDS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cross-encoder": (save_cross_encoder, "a cross-encoder, which scores pairs .* export it with a tool for classif"),
    "decoder as cross-encoder": (lambda folder: save_cross_encoder(folder, "LlamaForCausalLM"), "a cross-encoder"),
    "dense": (save_dense, "a dense SentenceTransformer, .* train a sparse autoencoder on it .* tool for dense"),
    "bare classifier": (
        lambda folder: save_transformer(folder, "BertForSequenceClassification"),
        "BertForSequenceClassification, a cross-encoder or classifier, .* export it with a tool for classifiers",
    ),
    "Llama": (lambda folder: save_transformer(folder, "LlamaForCausalLM"), "a decoder-only .* finetune it as a SPLADE"),
    "GPT-2": (lambda folder: save_transformer(folder, "GPT2LMHeadModel"), "a decoder-only .* finetune it as a SPLADE"),
    "no head": (
        lambda folder: save_transformer(folder, "BertModel"),
        "BertModel, which has no masked language model head; name a masked language model",
    ),
    "unknown modules": (save_normalized, r"\+ Normalize.* Exported are splade .*, inference-free .*, csr "),
    "unknown routes": (save_router, "has the routes passage, question; exported are Routers with exactly document and"),
}


@pytest.mark.parametrize("case", KINDS)
def test_another_kind_of_model(case: str, tmp_path: Path) -> None:
    save, message = KINDS[case]
    model, output = save(tmp_path / "model"), tmp_path / "parent" / "bundle"
    error = error_of("--model", model, "--output", output)
    assert re.search(message, error), error
    assert not output.parent.exists()


NOWHERE = {
    "no-such-model": "There is no folder 'no-such-model'; name a folder or a hub id",
    "./no-such-model": "There is no folder",
    "../no-such/model": "There is no folder",
    "no/such/model": "There is no folder",
    "~/no-such-model": "There is no folder",
    "models/no-such-model": "There is no folder",  # `models` is a folder here, so that is no hub id
    "https://huggingface.co/an-org/a-model": "There is no folder",
    "an-org/a-model": "There is no folder 'an-org/a-model' here, and the hub does not give it",
    "an org/a model": "and the hub does not give it",
    "an-org/": "and the hub does not give it",
    "": "The model is empty; name a folder or a hub id",
    "models": "neither modules.json nor config.json; name the folder of",
    "models/a-file": "There is no folder 'models/a-file'",
}


@pytest.mark.parametrize("model", NOWHERE)
def test_a_path_to_nothing(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    Path("models/a-file").touch()
    error = error_of("--model", model, "--output", "parent/bundle")
    assert NOWHERE[model] in error
    assert not Path("parent").exists()


def test_every_spelling_of_a_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = save_masked_lm(tmp_path / "models" / "tiny", "bert")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for spelling in ("models/tiny", "./models/tiny/", "models//tiny", "~/models/tiny", str(model)):
        assert "81, but the model has 80 positions" in error_of("--model", spelling, "--max-length", "81")
    monkeypatch.chdir(model)
    assert "81, but the model has 80 positions" in error_of("--model", ".", "--max-length", "81", "--output", "../x")
    assert list(tmp_path.iterdir()) == [tmp_path / "models"]


@pytest.mark.parametrize(
    ("length", "message"),
    [
        ("81", "--max-length is 81, but the model has 80 positions; give at most 80"),
        ("100000", "give at most 80"),
        ("2", "--max-length is 2, but 2 of these tokens are special ones; give at least 3"),
        ("1", "give at least 3"),
        ("0", "--max-length 0 is too small; give 1 or more"),
    ],
)
def test_a_length_that_the_model_has_not(length: str, message: str, tmp_path: Path) -> None:
    model, output = save_masked_lm(tmp_path / "model", "bert"), tmp_path / "parent" / "bundle"
    assert message in error_of("--model", model, "--output", output, "--max-length", length)
    assert not output.parent.exists()
