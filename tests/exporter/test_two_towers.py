"""Routes that differ: a graph each, or a refusal that names what is not understood."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Normalize, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder, SpladePooling

from sparse_client import LocalEncoder
from sparse_client.bundle.manifest import Manifest
from sparse_export import ExportOptions, Precision, SparseExportError, verify
from sparse_export.pipeline.export import export
from support import bundles, tiny_checkpoints
from support.tiny_checkpoints import save_masked_lm, save_two_towers, unbalance_an_attention

TEXTS = ["the whale in the sea", "how to train", "", "bread and water from the river bank, by the doctor of the sea"]
PROMPTS = {"query": "search engine: ", "document": "museum "}


def exported(model: Path, precision: str = "fp32", **choices: Any) -> tuple[Path, Manifest]:
    bundle = model.with_name(f"{model.name}-{precision}-bundle")
    return bundle, export(ExportOptions(str(model), bundle, precision=Precision(precision), **choices))


def differences(bundle: Path, model: Path, route: str) -> dict[str, float]:
    """Return how far the vectors of a route are from sentence-transformers': by graph, and by the client."""
    encoder = SparseEncoder(str(model), device="cpu")
    encode = {"document": encoder.encode_document, "query": encoder.encode_query}[route]
    expected = np.asarray(encode(TEXTS, convert_to_sparse_tensor=False))
    client = LocalEncoder(bundle)
    vectors = {"document": client.encode_documents, "query": client.encode_queries}[route](TEXTS)
    sides = {"graph": bundles.encode(bundle, TEXTS, route), "client": [vector.to_dict() for vector in vectors]}
    found = {}
    for side, rows in sides.items():
        dense = np.zeros_like(expected)
        for row, weights in zip(dense, rows, strict=True):
            row[list(weights)] = list(weights.values())
        found[side] = float(np.abs(dense - expected).max())
    return found


def check(bundle: Path, model: Path) -> None:
    for route in ("document", "query"):
        assert max(differences(bundle, model, route).values()) < 1e-4, route
    assert set(verify(bundle)) == {"document", "query"}


@pytest.mark.parametrize(("query", "document"), [("bert", "distilbert"), ("bert", "bert"), ("modernbert", "roberta")])
def test_each_route_has_a_graph(query: str, document: str, tmp_path: Path) -> None:
    model = save_two_towers(tmp_path / "model", query, document, prompts=PROMPTS)
    bundle, content = exported(model)
    check(bundle, model)
    routes = content.routes
    assert [routes[route].graph for route in ("document", "query")] == ["document.onnx", "query.onnx"]
    assert content.family == "splade"
    assert content.backbone.model_type == document
    assert content.query_tower.backbone.model_type == query
    assert not list(bundle.glob("query_table.*"))
    golden = [json.loads(line)["route"] for line in (bundle / "golden.jsonl").read_text().splitlines()]
    assert golden.count("document") == golden.count("query") > 30
    assert set(content.parity) == {"document", "query"}


def test_each_graph_backs_off_by_itself(tmp_path: Path) -> None:
    """int8: the query's tower has a product that 8 bits cannot hold, that of documents has none."""
    from safetensors.torch import load_file, save_file

    model = save_two_towers(tmp_path / "model", "bert", "distilbert", spread=0.2)
    path = next(model.glob("query_0_*/model.safetensors"))
    tensors = load_file(path)
    unbalance_an_attention(tensors)
    save_file(tensors, path, {"format": "pt"})
    bundle, content = exported(model, "int8")
    assert content.in_float == ()
    assert content.query_tower.in_float == ("bert.encoder.layer.0.attention.output.dense",)
    products = {
        name: [node.op_type for node in ir.load(bundle / f"{name}.onnx").graph] for name in ("document", "query")
    }
    assert [products[name].count("MatMul") for name in ("document", "query")] == [0, 1]
    assert [content.routes[route].precision for route in ("document", "query")] == ["int8", "int8"]
    assert set(verify(bundle)) == {"document", "query"}


def test_one_pooling_behind_the_router(tmp_path: Path) -> None:
    towers = {}
    for name, spread in (("query", 0.05), ("document", 0.06)):
        bare = save_masked_lm(tmp_path / name, "bert", initializer_range=spread)
        towers[name] = [Transformer(str(bare), transformer_task="fill-mask")]
    router = Router.for_query_document(query_modules=towers["query"], document_modules=towers["document"])
    model = tmp_path / "model"
    encoder = SparseEncoder(modules=[router, SpladePooling()], device="cpu")
    encoder.save_pretrained(str(model), create_model_card=False)
    check(exported(model)[0], model)


def test_another_activation_on_one_route(tmp_path: Path) -> None:
    bare = save_masked_lm(tmp_path / "bare", "bert", initializer_range=0.05)
    routes = {
        name: [Transformer(str(bare), transformer_task="fill-mask"), SpladePooling(activation_function=activation)]
        for name, activation in (("query", "relu"), ("document", "log1p_relu"))
    }
    router = Router.for_query_document(query_modules=routes["query"], document_modules=routes["document"])
    SparseEncoder(modules=[router], device="cpu").save_pretrained(str(tmp_path / "model"), create_model_card=False)
    bundle, content = exported(tmp_path / "model")
    check(bundle, tmp_path / "model")
    assert (content.activation, content.query_tower.activation) == ("log1p_relu", "relu")


def test_a_length_for_each_task_of_one_transformer(tmp_path: Path) -> None:
    """One graph, two tokenizers: sentence-transformers truncates queries earlier."""
    bare = save_masked_lm(tmp_path / "bare", "bert", initializer_range=0.05)
    transformer = Transformer(str(bare), transformer_task="fill-mask", query_length=6)
    model = tmp_path / "model"
    encoder = SparseEncoder(modules=[transformer, SpladePooling()], device="cpu")
    encoder.save_pretrained(str(model), create_model_card=False)
    bundle, content = exported(model)
    assert [content.routes[route].max_length for route in ("document", "query")] == [64, 6]
    assert content.routes["query"].graph == "document.onnx"
    check(bundle, model)


def dense_route(folder: Path, spread: float, **autoencoder: int) -> list[torch.nn.Module]:
    from transformers import AutoModel, BertConfig

    torch.manual_seed(int(spread * 100))
    AutoModel.from_config(BertConfig(**{**tiny_checkpoints.COMMON, "initializer_range": spread})).save_pretrained(
        folder
    )
    tiny_checkpoints.tiny_tokenizer().save_pretrained(folder)
    features = SparseAutoEncoder(**{"input_dim": 32, "hidden_dim": 128, "k": 16, "k_aux": 8, **autoencoder})
    return [Transformer(str(folder)), Pooling(32), features]


def save_two_autoencoders(folder: Path, **query: int) -> Path:
    routes = {
        "query_modules": dense_route(folder.with_name("query"), 0.2, **query),
        "document_modules": dense_route(folder.with_name("document"), 0.3),
    }
    encoder = SparseEncoder(modules=[Router.for_query_document(**routes)], device="cpu")
    encoder.save_pretrained(str(folder), create_model_card=False)
    return folder


def test_two_autoencoders(tmp_path: Path) -> None:
    model = save_two_autoencoders(tmp_path / "model")
    bundle, content = exported(model)
    check(bundle, model)
    assert content.family == "csr"
    assert content.max_active_dims == 16
    with pytest.raises(SparseExportError, match="a sparse autoencoder for each route, and sae_only exports one"):
        export(ExportOptions(str(model), tmp_path / "alone", sae_only=True))


def test_two_autoencoders_that_keep_another_number(tmp_path: Path) -> None:
    with pytest.raises(SparseExportError, match="Documents keep 16 of 128 features and queries 8 of 128"):
        exported(save_two_autoencoders(tmp_path / "model", k=8))


class Louder(SpladePooling):
    """Of the same name to whoever compares names, and something else."""

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        features = super().forward(features)
        features["sentence_embedding"] = features["sentence_embedding"] * 2
        return features


Louder.__name__ = "SpladePooling"


def splade_route(folder: Path) -> list[torch.nn.Module]:
    bare = save_masked_lm(folder, "bert", initializer_range=0.05)
    return [Transformer(str(bare), transformer_task="fill-mask"), SpladePooling()]


CHAINS: dict[str, tuple[Callable[[Path], list[torch.nn.Module]], str]] = {
    "behind": (lambda folder: [*splade_route(folder), Normalize()], r"Transformer \+ SpladePooling \+ Normalize"),
    "between": (
        lambda folder: [splade_route(folder)[0], Normalize(), SpladePooling()],
        r"Transformer \+ Normalize \+ SpladePooling",
    ),
    "of the same name": (lambda folder: [splade_route(folder)[0], Louder()], r"has the modules"),
    "behind the autoencoder": (
        lambda folder: [*dense_route(folder, 0.2), Normalize()],
        r"Transformer \+ Pooling \+ SparseAutoEncoder \+ Normalize",
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_a_chain_that_is_not_known(case: str, tmp_path: Path) -> None:
    """Not by saved folders: what counts is the loaded model, whatever made it."""
    from sparse_export.checkpoint.load import Checkpoint
    from sparse_export.plan.families import family_of

    modules, message = CHAINS[case]
    encoder = SparseEncoder(modules=modules(tmp_path / "bare"), device="cpu")
    with pytest.raises(SparseExportError, match=message):
        family_of(Checkpoint("model", tmp_path, None, encoder))


def test_a_router_that_sends_queries_to_documents(tmp_path: Path) -> None:
    model = save_two_towers(tmp_path / "model", "bert", "bert")
    path = model / "router_config.json"
    config = json.loads(path.read_text())
    config["parameters"]["route_mappings"] = {"('query', None)": "document"}
    path.write_text(json.dumps(config))
    with pytest.raises(SparseExportError, match="send the task 'query' to the route 'document'"):
        exported(model)


def test_vocabularies_that_differ(tmp_path: Path) -> None:
    model = save_two_towers(tmp_path / "model", "bert", "bert")
    path = next(model.glob("query_0_*/tokenizer.json"))
    tokenizer = json.loads(path.read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["fish"], vocabulary["whale"] = vocabulary["whale"], vocabulary["fish"]
    path.write_text(json.dumps(tokenizer))
    with pytest.raises(SparseExportError, match="differ in 2 tokens: .* 'fish' in documents and 'whale' in queries"):
        exported(model)


def test_columns_are_not_pruned(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"water {number}\n" for number in range(200)))
    with pytest.raises(SparseExportError, match="a tower of its own for queries, whose columns"):
        exported(save_two_towers(tmp_path / "model"), prune_vocabulary=texts)


@pytest.mark.parametrize("prompts", [{"query": "the bank: "}, {}])
def test_a_pooling_without_the_prompt(prompts: dict[str, str], tmp_path: Path) -> None:
    """Refused where a prompt is left out; without a prompt nothing is."""
    first, _, features = dense_route(tmp_path / "bare", 0.2)
    model = tmp_path / "model"
    encoder = SparseEncoder(modules=[first, Pooling(32, include_prompt=False), features], device="cpu", prompts=prompts)
    encoder.save_pretrained(str(model), create_model_card=False)
    if prompts:
        with pytest.raises(SparseExportError, match="the query route leaves the tokens of the prompt 'the bank: ' out"):
            exported(model)
    else:
        check(exported(model)[0], model)


@pytest.mark.parametrize("kind", ["RobertaTokenizer", "BertTokenizer"])
def test_a_class_that_makes_another_tokenizer(kind: str, tmp_path: Path) -> None:
    """The ids are those of the checkpoint's own tokenizer.json, or the export says which class is to blame."""
    model = save_masked_lm(tmp_path / "model", "bert")
    path, settings = model / "tokenizer.json", model / "tokenizer_config.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["normalizer"]["lowercase"] = False  # cased files, which BertTokenizer lowercases
    path.write_text(json.dumps(tokenizer))
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "tokenizer_class": kind}))
    with pytest.raises(SparseExportError, match=f"another tokenizer .* names the class '{kind}'"):
        exported(model)
