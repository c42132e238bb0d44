"""A damaged checkpoint is refused in one line that names it, and nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoder

from sparse_export import ExportOptions
from sparse_export.checkpoint.load import _check_complete, read_checkpoint
from sparse_export.checkpoint.source import locate
from sparse_export.errors import CheckpointError
from support.commands import error_of
from support.tiny_checkpoints import save_csr, save_inference_free, save_masked_lm, save_splade

Damage = Callable[[Path], object]
Tensors = dict[str, torch.Tensor]
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each kind of checkpoint; copy them before changing them."""
    folder = tmp_path_factory.mktemp("originals")
    save_masked_lm(folder / "bare", "bert")
    save_splade(folder / "splade")
    save_csr(folder / "csr")
    save_inference_free(folder / "inference-free")
    encoder = SparseEncoder(str(folder / "bare"), device="cpu")
    encoder.add_adapter(LoraConfig(r=4, target_modules=["query"], init_lora_weights=False))
    encoder.save_pretrained(str(folder / "adapter"), create_model_card=False)
    return folder


def remove(pattern: str) -> Damage:
    return lambda folder: [path.unlink() for path in folder.glob(pattern)]


def write(name: str, content: str | bytes) -> Damage:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def cut(name: str) -> Damage:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size // 2)


def weights(change: Callable[[Tensors], None], name: str = WEIGHTS) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / name)
        change(tensors)
        save_file(tensors, folder / name, {"format": "pt"})

    return damage


def without(part: str) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        for name in [name for name in tensors if part in name]:
            del tensors[name]

    return change


def with_nan(tensors: Tensors) -> None:
    next(tensor for tensor in tensors.values() if tensor.is_floating_point()).view(-1)[-1] = float("nan")


def backbone_in_subfolder(folder: Path) -> None:
    """Move the backbone where some versions put it, and take its head away."""
    home = folder / "0_Transformer"
    home.mkdir()
    for name in ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json"):
        (folder / name).rename(home / name)
    modules = json.loads((folder / "modules.json").read_text())
    modules[0]["path"] = home.name
    (folder / "modules.json").write_text(json.dumps(modules))
    weights(without("cls."))(home)


def headless_base(folder: Path) -> None:
    base = folder.with_name("base")
    shutil.copytree(json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"], base)
    weights(without("cls."))(base)
    set_base(str(base))(folder)


def set_base(base: str) -> Damage:
    def damage(folder: Path) -> None:
        settings = json.loads((folder / "adapter_config.json").read_text())
        settings["base_model_name_or_path"] = base
        (folder / "adapter_config.json").write_text(json.dumps(settings))

    return damage


def drop_merges(folder: Path) -> None:
    """Make its tokenizer one of byte pairs that drops merges at random."""
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["model"] = {"type": "BPE", "dropout": 0.1, "vocab": tokenizer["model"]["vocab"], "merges": []}
    path.write_text(json.dumps(tokenizer))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


MODULE = '[{"path": "", "type": "os.system"}, {"path": "1_SpladePooling", "type": "own.SpladePooling"}]'
DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "weights missing": ("bare", remove(WEIGHTS), "no file named model.safetensors"),
    "weights of a module missing": ("splade", remove(WEIGHTS), "no file named model.safetensors"),
    "weights cut": ("bare", cut(WEIGHTS), "incomplete metadata"),
    "weights empty": ("bare", write(WEIGHTS, b""), "header too small"),
    "weights garbage": ("bare", write(WEIGHTS, b"\xff" * 100), "header"),
    "NaN": ("bare", weights(with_nan), "NaN or infinite values; train or fetch it again"),
    "head missing": ("bare", weights(without("cls.")), "lacks 6 weights of BertForMaskedLM, such as 'cls."),
    "head of a module missing": ("splade", weights(without("cls.")), "saved without its language model head"),
    "head missing in a subfolder": ("splade", backbone_in_subfolder, "saved without its language model head"),
    "layer missing": ("bare", weights(without("layer.1.")), "lacks 16 weights of BertForMaskedLM"),
    "tokenizer missing": ("bare", remove("token*"), r"has no tokenizer, .*put the tokenizer's files"),
    "tokenizer of a module missing": ("splade", remove("token*"), "has no tokenizer"),
    "tokenizer.json missing": ("bare", remove("tokenizer.json"), "cannot be loaded: .*tokenizer"),
    "tokenizer drops merges": ("bare", drop_merges, r"drops merges at random \(dropout is 0\.1\)"),
    "tokenizer cut": ("bare", cut("tokenizer.json"), "cannot be loaded: .*tokenizer"),
    "config not JSON": ("bare", write("config.json", "{oops"), "config.json of .* cannot be read"),
    "config of a module not JSON": ("splade", write("config.json", "{oops"), "config.json of .* cannot be read"),
    "config empty": ("bare", write("config.json", "{}"), "model_type"),
    "config unknown": ("bare", write("config.json", '{"model_type": "yolo"}'), "yolo"),
    "config missing": ("bare", remove("config.json"), "neither modules.json nor config.json"),
    "modules not JSON": ("splade", write("modules.json", "["), "modules.json of .* cannot be read"),
    "modules not UTF-8": ("splade", write("modules.json", b'["\xff"]'), "modules.json of .* cannot be read"),
    "modules too deep": ("splade", write("modules.json", "[" * 10**5), "modules.json of .* cannot be read"),
    "no modules": ("splade", write("modules.json", "[]"), "is not a list of modules"),
    "modules of numbers": ("splade", write("modules.json", "[1, 2]"), "is not a list of modules"),
    "modules without type": ("splade", write("modules.json", '[{"path": ""}]'), "is not a list of modules"),
    "foreign modules": ("splade", write("modules.json", MODULE), "os.system"),
    "pooling unknown": (
        "splade",
        write("1_SpladePooling/config.json", '{"pooling_strategy": "mean"}'),
        "'max' or 'sum'",
    ),
    "pooling missing": ("splade", remove("1_SpladePooling/*"), "lacks 1_SpladePooling/config.json"),
    "kind missing": ("splade", remove("config_sentence*"), "does not say that its model_type is SparseEncoder"),
    "kind no object": ("splade", write("config_sentence_transformers.json", "[]"), "does not say"),
    "adapter weights missing": ("adapter", remove("adapter_model*"), "adapter_model.safetensors"),
    "adapter weight missing": (
        "adapter",
        weights(without("layer.1.attention.self.query.lora_A"), "adapter_model.safetensors"),
        "merge it into its model",
    ),
    "adapter NaN": ("adapter", weights(with_nan, "adapter_model.safetensors"), "lora_A.* has NaN"),
    "adapter base gone": ("adapter", set_base("./gone/away/from/here"), "gone/away"),
    "adapter base on the hub": ("adapter", set_base("an-org/a-model"), "connect"),
    "adapter base without head": ("adapter", headless_base, "base' lacks 6 weights"),
    "autoencoder missing": ("csr", remove(f"2_SparseAutoEncoder/{WEIGHTS}"), "cannot be loaded: .*safetensors"),
    "autoencoder NaN": ("csr", weights(with_nan, f"2_SparseAutoEncoder/{WEIGHTS}"), "has NaN or infinite values"),
    "autoencoder weight missing": (
        "csr",
        weights(without("latent_bias"), f"2_SparseAutoEncoder/{WEIGHTS}"),
        "cannot be loaded: .*latent_bias",
    ),
    "table missing": ("inference-free", remove(f"query_0_SparseStaticEmbedding/{WEIGHTS}"), "cannot be loaded: "),
    "table NaN": ("inference-free", weights(with_nan, f"query_0_SparseStaticEmbedding/{WEIGHTS}"), "weight' of .* NaN"),
    "document head missing": (
        "inference-free",
        weights(without("cls."), f"document_0_Transformer/{WEIGHTS}"),
        "lacks 6 weights of BertForMaskedLM",
    ),
    "router settings missing": ("inference-free", remove("router_config.json"), "lacks router_config.json"),
    "router settings empty": ("inference-free", write("router_config.json", "{}"), "cannot be loaded: "),
    "document pooling missing": (
        "inference-free",
        remove("document_1_SpladePooling/*"),
        "lacks document_1_SpladePooling/config.json",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_checkpoint(originals: Path, tmp_path: Path, case: str) -> None:
    kind, damage, message = DAMAGES[case]
    model, output = tmp_path / "damaged", tmp_path / "parent" / "bundle"
    shutil.copytree(originals / kind, model)
    damage(model)
    error = error_of("--model", model, "--output", output)
    assert re.search(message, error), error
    assert str(tmp_path) in error, "it names the checkpoint"
    assert not output.parent.exists()


@pytest.mark.parametrize("kind", ["bare", "splade", "adapter", "csr", "inference-free"])
def test_an_intact_one_is_read_though_its_decoder_is_not_in_the_file(originals: Path, kind: str) -> None:
    """The decoder is the embeddings; transformers does not write it twice."""
    assert not any("decoder" in name for name in load_file(originals / "bare" / WEIGHTS))
    assert read_checkpoint(ExportOptions(model=str(originals / kind), output=Path("unused"))).source == kind


def test_a_model_whose_loading_nobody_saw_is_refused(tiny_model: Path) -> None:
    """What a checkpoint lacks is known only of models that transformers loaded."""
    source = locate(ExportOptions(str(tiny_model), Path("bundle")))
    encoder = SparseEncoder(str(tiny_model), device="cpu")
    with pytest.raises(CheckpointError, match="did not load BertForMaskedLM by from_pretrained"):
        _check_complete(source, encoder, {})
