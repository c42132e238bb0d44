"""Inference-free and CSR against sentence-transformers: look-up, poolings, autoencoder, decode, and their bad input."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Dense, Normalize
from tokenizers import Tokenizer

import sparse_client
from sparse_client import LocalEncoder
from sparse_client.bundle.facts import Route
from sparse_client.bundle.manifest import Manifest
from sparse_client.bundle.reader import open_bundle
from sparse_client.vectors import SparseVector
from sparse_export import ExportOptions, Precision, SparseExportError, verify
from sparse_export.parity import promise
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.pipeline.export import export
from support.real_checkpoints import MODELS, glosses, idf_inference_free, trained_csr
from support.tiny_checkpoints import VOCABULARY, save_csr, save_inference_free

POOLINGS = ("cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
GLOSSES = 500


def exported(model: Path, output: Path, precision: str = "fp32", **choices: object) -> Manifest:
    return export(ExportOptions(model=str(model), output=output, precision=Precision(precision), **choices))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def families(real_bundle: Callable[[str, str], Path]) -> dict[tuple[str, str], Path]:
    """Every family in every precision, from real models."""
    names = ("splade", "inference-free", "csr")
    return {(family, precision.value): real_bundle(family, precision) for family in names for precision in Precision}


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("family", ["splade", "inference-free", "csr"])
def test_parity_on_real_texts(families: dict[tuple[str, str], Path], family: str, precision: str) -> None:
    bundle = families[family, precision]
    assert set(verify(bundle)) == {"document", "query"}
    manifest = open_bundle(bundle).manifest
    assert (manifest.family, manifest.precision) == (family, precision)
    texts = glosses(GLOSSES)
    for route, expected in pytorch(family).items():
        entry = manifest.routes[route]
        own = Precision(entry.precision)
        assert own is (Precision.FP32 if entry.graph == "query.onnx" else precision)
        report = promise.compare(expected, replay(bundle, entry, texts), own, manifest.max_active_dims)
        if (family, precision) != ("csr", "int8"):
            promise.check({route: report}, own)
            continue
        # Ranking was judged, on texts like these, which the autoencoder knows better than the golden ones.
        assert report.mean_cosine >= manifest.tolerance.mean_cosine


@cache
def pytorch(family: str) -> dict[str, list[SparseVector]]:
    """Encode the glosses with sentence-transformers; documents and queries differ in one family only."""
    model = {"inference-free": idf_inference_free, "csr": trained_csr, "splade": lambda: MODELS / "splade-tiny"}[family]
    encoder = SparseEncoder(str(model()), device="cpu")
    encode = {"document": encoder.encode_document, "query": encoder.encode_query}
    routes = ("document", "query") if family == "inference-free" else ("document",)
    rows = {route: encode[route](glosses(GLOSSES), convert_to_sparse_tensor=False) for route in routes}
    return {route: [SparseVector.of_dense(row) for row in np.asarray(dense)] for route, dense in rows.items()}


def replay(bundle: Path, route: Route, texts: list[str]) -> list[SparseVector]:
    tokenizer = Tokenizer.from_file(str(bundle / str(route.tokenizer)))
    graph = EncoderGraph(bundle / route.graph)
    rows = []
    for start in range(0, len(texts), 16):
        encodings = tokenizer.encode_batch(texts[start : start + 16], add_special_tokens=route.add_special_tokens)
        ids, mask = (np.array([getattr(e, name) for e in encodings], np.int64) for name in ("ids", "attention_mask"))
        rows += graph.run({"input_ids": ids, "attention_mask": mask})
    return rows


def test_every_graph_runs_without_torch(families: dict[tuple[str, str], Path]) -> None:
    code = """
import sys
for name in ("torch", "transformers", "sentence_transformers"):
    sys.modules[name] = None
from functools import cache
from pathlib import Path
from sparse_export import verify
for path in sys.argv[1:]:
    verify(Path(path))
"""
    subprocess.run([sys.executable, "-c", code, *map(str, families.values())], check=True, timeout=300)


def test_queries_are_a_look_up(families: dict[tuple[str, str], Path]) -> None:
    bundle = families["inference-free", "int8"]
    operators = {node.op_type for node in ir.load(bundle / "query.onnx").graph}
    assert not operators & {"MatMul", "MatMulInteger", "Gemm"}
    table = load_file(bundle / "query_table.safetensors")["weights"]
    named = json.loads((bundle / "query_table.json").read_text())
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    assert table.dtype == np.float32
    assert len(named) == len(table) == 30522
    assert all(np.float32(named[tokenizer.id_to_token(index)]) == table[index] for index in range(0, 30522, 97))


def test_int8_reaches_the_autoencoder(families: dict[tuple[str, str], Path]) -> None:
    graph = ir.load(families["csr", "int8"] / "document.onnx").graph
    weights = [node.inputs[1].name for node in graph if node.op_type == "MatMulInteger"]
    content = json.loads((families["csr", "int8"] / "manifest.json").read_text())
    assert "autoencoder.weight" in weights
    assert not [node for node in graph if node.op_type == "Gemm"]
    # MiniLM has 6 layers of 6 products, and the autoencoder.
    assert len(weights) == 37 - len(content["in_float"])


def test_int8_features_that_change_places_are_refused(csr_checkpoint: Path, tmp_path: Path) -> None:
    """No product in float mends it, and the cosine that is reported is that of the vectors a client gets."""
    with pytest.raises(SparseExportError, match=r"mean cosine 0\.9\d+ is below 0\.995.* give eval_data"):
        exported(csr_checkpoint, tmp_path / "bundle", "int8")
    assert not (tmp_path / "bundle").exists()


def test_int8_features_are_judged_by_ranking(families: dict[tuple[str, str], Path]) -> None:
    bundle = families["csr", "int8"]
    content = json.loads((bundle / "manifest.json").read_text())
    figures = content["parity"]["document"]["alone"]
    assert figures["mean_cosine"] < 0.995
    assert content["quality"]["export"]["ndcg_at_10"] >= 0.99 * content["quality"]["pytorch"]["ndcg_at_10"]
    golden = [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]
    documents = [one for one in golden if one["route"] == "document"]
    vectors = LocalEncoder(bundle).encode_documents([one["text"] for one in documents])
    dense = np.zeros((2, len(documents), content["dimension"]))
    for row, (one, vector) in enumerate(zip(documents, vectors, strict=True)):
        dense[0, row, one["indices"]], dense[1, row, vector.indices] = one["values"], vector.values
    cosines = (dense[0] * dense[1]).sum(axis=1) / np.linalg.norm(dense, axis=2).prod(axis=0)
    assert cosines.mean() == pytest.approx(figures["mean_cosine"], abs=1e-3)
    assert cosines.min() == pytest.approx(figures["worst_cosine"], abs=2e-2)
    assert sparse_client.verify(bundle).passed


@pytest.mark.parametrize("limit", [1, 7, None])
def test_tiny_look_up(limit: int | None, tmp_path: Path) -> None:
    """Negative and zero weights, repeats, prompts, and a limit by absolute weight."""
    model = save_inference_free(tmp_path / "model", prompts={"query": "search the ", "document": "water "})
    content = exported(model, tmp_path / "bundle", max_active_dims=limit)
    texts = ["fish fish whale", "the", "", "[PAD] bank", "how to train a patient doctor in the museum of water"]
    rows = SparseEncoder(str(model), device="cpu").encode_query(
        texts, convert_to_sparse_tensor=False, batch_size=1, max_active_dims=limit
    )
    route = content.routes["query"]
    actual = replay(tmp_path / "bundle", route, [route.prompt + text for text in texts])
    for weights, row in zip(np.asarray(rows), actual, strict=True):
        expected = SparseVector.of_dense(weights)
        assert dict(zip(row.indices.tolist(), row.values.tolist(), strict=True)) == dict(
            zip(expected.indices.tolist(), expected.values.tolist(), strict=True)
        )
        assert (np.diff(row.values) <= 0).all()
    assert limit is not None or min(row.values.min() for row in actual if len(row.values)) < 0


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("normalize", [False, True])
def test_csr_poolings(pooling: str, normalize: bool, tmp_path: Path) -> None:
    content = exported(save_csr(tmp_path / "model", pooling, normalize=normalize), tmp_path / "bundle")
    assert content.parity["document"]["padded"].max_difference <= 1e-4
    assert content.autoencoder.normalize is normalize
    check_decode(tmp_path / "model", tmp_path / "bundle")


def test_csr_with_dense_and_normalize_and_few_positive_features(tmp_path: Path) -> None:
    torch.manual_seed(0)
    between = [Dense(32, 24, activation_function=torch.nn.Tanh()), Normalize()]
    model = save_csr(tmp_path / "model", between=between, input_dim=24, k=100)
    content = exported(model, tmp_path / "bundle")
    assert content.parity["document"]["alone"].active < 100, "k is larger than the positive features"
    check_decode(model, tmp_path / "bundle")


def check_decode(model: Path, bundle: Path) -> None:
    """Compare decode.onnx with SparseAutoEncoder.decode, in the space that the manifest names."""
    autoencoder = SparseEncoder(str(model), device="cpu")[-1].eval()
    lines = [json.loads(line) for line in (bundle / "golden.jsonl").read_text().splitlines()]
    width = max(len(line["indices"]) for line in lines)
    indices, values = np.full((len(lines), width), -1, np.int32), np.zeros((len(lines), width), np.float32)
    dense = torch.zeros(len(lines), autoencoder.hidden_dim)
    for row, line in enumerate(lines):
        indices[row, : len(line["indices"])], values[row, : len(line["values"])] = line["indices"], line["values"]
        dense[row, line["indices"]] = torch.tensor(line["values"])
    info = {"mu": torch.tensor(0.0), "std": torch.tensor(1.0)}
    with torch.no_grad():
        expected = autoencoder.decode(dense, info).numpy()
    session = onnxruntime.InferenceSession(bundle / "decode.onnx")
    (embedding,) = session.run(["embedding"], {"indices": indices, "values": values})
    np.testing.assert_allclose(embedding, expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("normalize", [False, True])
def test_the_autoencoder_alone(normalize: bool, precision: str, tmp_path: Path) -> None:
    """`embedding` float32 [batch, dim] in; the same pairs as the modules of PyTorch give for these embeddings."""
    model = save_csr(tmp_path / "model", normalize=normalize)
    content = exported(model, tmp_path / "bundle", precision, sae_only=True)
    assert content.input == "embedding"
    assert not list((tmp_path / "bundle").glob("*tokenizer*"))
    assert set(verify(tmp_path / "bundle")) == {"document", "query"}
    session = onnxruntime.InferenceSession(tmp_path / "bundle" / "document.onnx")
    assert [(one.name, one.type, one.shape) for one in session.get_inputs()] == [
        ("embedding", "tensor(float)", ["batch", 32])
    ]
    embeddings = torch.randn(50, 32, generator=torch.Generator().manual_seed(1))
    autoencoder = SparseEncoder(str(model), device="cpu")[-1].eval()
    with torch.inference_mode():
        expected = autoencoder({"sentence_embedding": embeddings.clone()})["sentence_embedding"]
    actual = EncoderGraph(tmp_path / "bundle" / "document.onnx").run({"embedding": embeddings.numpy()})
    rows = [SparseVector.of_dense(row.numpy()) for row in expected]
    report = promise.compare(rows, actual, Precision(precision), content.max_active_dims)
    promise.check({"embeddings": report}, Precision(precision))


def test_only_csr_has_an_autoencoder(splade_tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(SparseExportError, match="family splade, which has no sparse autoencoder"):
        exported(splade_tiny, tmp_path / "bundle", sae_only=True)


@pytest.mark.parametrize(("family", "initializer"), [("splade", "labels"), ("csr", "decoder.weight")])
def test_a_decoder_changed_on_purpose_is_found(
    families: dict[tuple[str, str], Path], family: str, initializer: str, tmp_path: Path
) -> None:
    """With fitting checksums, so that only the replay of the golden vectors can tell."""
    bundle = shutil.copytree(families[family, "fp32"], tmp_path / "bundle")
    model = ir.load(bundle / "decode.onnx")
    value = model.graph.initializers[initializer]
    if family == "splade":
        labels = list(value.const_value.raw)  # type: ignore[union-attr]
        labels[2651], labels[3000] = labels[3000], labels[2651]  # "today"
        value.const_value = ir.StringTensor(labels, shape=ir.Shape([len(labels)]), name=initializer)
    else:
        value.const_value = ir.tensor(np.roll(value.const_value.numpy(), 1, axis=0), name=initializer)  # type: ignore[union-attr]
    ir.save(model, bundle / "decode.onnx")
    content = json.loads((bundle / "manifest.json").read_text())
    data = (bundle / "decode.onnx").read_bytes()
    content["files"]["decode.onnx"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (bundle / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(SparseExportError, match=r"decode\.onnx (calls|gives an embedding that differs)"):
        verify(bundle)


def test_dense_csr_is_limited_too(tmp_path: Path) -> None:
    from sparse_export import Output

    content = exported(save_csr(tmp_path / "model"), tmp_path / "bundle", form=Output.DENSE)
    assert content.parity["document"]["alone"].active <= 16


def test_tokenizers_that_differ_are_both_stored(tmp_path: Path) -> None:
    model = save_inference_free(tmp_path / "model")
    path = model / "query_0_SparseStaticEmbedding" / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["normalizer"]["lowercase"] = False
    path.write_text(json.dumps(tokenizer))
    content = exported(model, tmp_path / "bundle")
    assert content.routes["query"].tokenizer == "query_tokenizer.json"
    assert set(verify(tmp_path / "bundle")) == {"document", "query"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: save_csr(folder, k=200), r"SparseAutoEncoder keeps k = 200 of 128"),
        (lambda folder: save_csr(folder, input_dim=48), r"SparseAutoEncoder takes 48 .* Pooling .* gives 32"),
        (lambda folder: save_inference_free(folder, torch.full((len(VOCABULARY),), torch.nan)), "NaN or infinite"),
        (lambda folder: save_inference_free(folder, torch.ones(60)), "60"),
    ],
)
def test_modules_that_do_not_fit(change: object, message: str, tmp_path: Path) -> None:
    change(tmp_path / "model")  # type: ignore[operator]
    with pytest.raises(SparseExportError, match=message):
        exported(tmp_path / "model", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_router_with_other_routes(tmp_path: Path) -> None:
    model = save_inference_free(tmp_path / "model")
    path = model / "router_config.json"
    path.write_text(path.read_text().replace('"query": [', '"question": ['))
    with pytest.raises(SparseExportError, match="document, question"):
        exported(model, tmp_path / "bundle")


def save_with_idf(folder: Path, extra: dict[str, float]) -> Path:
    """Write the query table as idf.json, as OpenSearch's models have it."""
    model = save_inference_free(folder)
    static = model / "query_0_SparseStaticEmbedding"
    (static / "model.safetensors").unlink()
    path = static / "idf.json"
    path.write_text(json.dumps({"fish": 2.5, "whale": 4.0, **extra}))
    (static / "config.json").write_text(json.dumps({"frozen": True, "path": str(path)}))
    return model


def test_idf_json(tmp_path: Path) -> None:
    exported(save_with_idf(tmp_path / "model", {}), tmp_path / "bundle")
    table = load_file(tmp_path / "bundle" / "query_table.safetensors")["weights"]
    assert sorted(table[table != 0].tolist()) == [2.5, 4.0]


def test_idf_json_with_unknown_tokens(tmp_path: Path) -> None:
    with pytest.raises(SparseExportError, match="2 of 4 tokens .* such as 'zebra'"):
        exported(save_with_idf(tmp_path / "model", {"zebra": 1.0, "okapi": 1.0}), tmp_path / "bundle")


def test_dead_features_are_counted(tmp_path: Path) -> None:
    model = save_csr(tmp_path / "model")
    path = next(model.glob("*_SparseAutoEncoder/model.safetensors"))
    tensors = dict(load_file(path))
    tensors["stats_last_nonzero"] = np.arange(128, dtype=np.int64)  # dead after 30 steps without activity
    save_file(tensors, path)
    assert exported(model, tmp_path / "bundle").autoencoder.dead_features == 97
