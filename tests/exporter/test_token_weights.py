"""Token weights: bge-m3's kind of checkpoint, against its authors' formula written out, and against FlagEmbedding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from sparse_client import LocalEncoder, SparseVector
from sparse_client.errors import BundleError
from sparse_client.parity.replay import verify
from sparse_export import ExportOptions
from sparse_export.errors import CheckpointError, InputError
from sparse_export.graph.token_head import TokenHead
from sparse_export.options import Output, Precision
from sparse_export.pipeline.export import export
from support.bundle_copies import Copy
from support.commands import error_of, run
from support.tiny_checkpoints import save_splade
from support.token_weight_checkpoints import save_bge_m3

ROOT = Path(__file__).parents[2]
TEXTS = ["fish fish weather", "the bank of the river", "weather", "", "ﬁsh <s> <unk> </s> patient", "q 北京 z"]
FLAG_EMBEDDING = "FlagEmbedding==1.4.2"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bge_m3(tmp_path_factory.mktemp("token-weights") / "model")


@pytest.fixture(scope="module")
def bundle(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle in fp32, with dense embeddings."""
    folder = tmp_path_factory.mktemp("token-weights") / "bundle"
    export(ExportOptions(str(model), folder, with_dense=True))
    return folder


def formula(model: Path, text: str) -> tuple[dict[int, float], np.ndarray]:
    """Return what the authors' code gives for one text: weights by id, and the dense embedding."""
    tokenizer, encoder = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model).eval()
    layer = torch.load(model / "sparse_linear.pt", weights_only=True)
    inputs = tokenizer(text, return_tensors="pt", truncation=True)
    with torch.no_grad():
        states = encoder(**inputs).last_hidden_state[0]
        weights = torch.relu(states @ layer["weight"].float()[0] + layer["bias"].float())
    found: dict[int, float] = {}
    for index, weight in zip(inputs["input_ids"][0].tolist(), weights.tolist(), strict=True):
        if index not in {0, 1, 2, 3} and weight > max(0.0, found.get(index, 0.0)):
            found[index] = weight
    return found, torch.nn.functional.normalize(states[0], dim=0).numpy()


def test_the_authors_formula(model: Path, bundle: Path) -> None:
    vectors, dense = LocalEncoder(bundle).encode_documents(TEXTS, dense=True)
    assert dense.dtype == np.float32
    for text, vector, row in zip(TEXTS, vectors, dense, strict=True):
        expected, embedding = formula(model, text)
        assert dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True)) == pytest.approx(
            expected, abs=1e-5
        )
        assert vector.values.tolist() == sorted(vector.values.tolist(), reverse=True)
        np.testing.assert_allclose(row, embedding, atol=1e-5)
    assert len(vectors[0]) == len(formula(model, TEXTS[0])[0]) > 0  # a repeated token counts once
    assert len(vectors[3]) == 0


def test_the_dense_embedding_is_sentence_transformers(model: Path, bundle: Path) -> None:
    _, dense = LocalEncoder(bundle).encode_queries(TEXTS, dense=True)
    expected = SentenceTransformer(str(model), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(dense, expected, atol=1e-5)


def test_flag_embedding_gives_the_same(model: Path, bundle: Path) -> None:
    packages = ROOT / "build" / FLAG_EMBEDDING
    if not packages.is_dir():
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(packages),
            FLAG_EMBEDDING,
        ]
        if subprocess.run(install, check=False).returncode:
            shutil.rmtree(packages, ignore_errors=True)
            pytest.skip(f"{FLAG_EMBEDDING} cannot be installed here")
    script = """
import json, sys
from FlagEmbedding import BGEM3FlagModel
model = BGEM3FlagModel(sys.argv[1], use_fp16=False, devices="cpu")
found = model.encode(json.loads(sys.argv[2]), return_dense=True, return_sparse=True)
weights = [{int(index): float(weight) for index, weight in row.items()} for row in found["lexical_weights"]]
print(json.dumps([weights, found["dense_vecs"].tolist()]))
"""
    texts = [text for text in TEXTS if text]  # it refuses an empty one
    run = subprocess.run(
        [sys.executable, "-c", script, str(model), json.dumps(texts)],
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    weights, dense = json.loads(run.stdout.splitlines()[-1])
    vectors, own = LocalEncoder(bundle).encode_documents(texts, dense=True)
    for expected, vector in zip(weights, vectors, strict=True):
        found = {
            str(index): weight for index, weight in zip(vector.indices.tolist(), vector.values.tolist(), strict=True)
        }
        assert found == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(own, np.array(dense, np.float32), atol=1e-5)


@pytest.mark.parametrize(("precision", "limit"), [(Precision.FP16, 4), (Precision.INT8, None)])
@pytest.mark.parametrize("more", [{"with_dense": True}, {"form": Output.DENSE}], ids=["with-dense", "row"])
def test_precisions_and_forms(
    model: Path, tmp_path: Path, precision: Precision, limit: int | None, more: dict[str, Any]
) -> None:
    manifest = export(ExportOptions(str(model), tmp_path / "bundle", precision, max_active_dims=limit, **more))
    assert verify(tmp_path / "bundle").passed
    assert manifest.family == "token-weights"
    assert manifest.dropped_ids == (0, 1, 2, 3)
    assert manifest.dense_dim == (32 if "with_dense" in more else None)
    reports = manifest.parity["document"]
    assert ("dense_alone" in reports) == ("with_dense" in more)
    most = max(len(vector) for vector in LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS))
    assert most == 4 if limit else most > 4


def test_the_end_of_the_graph() -> None:
    """Ids and weights as a loop would find them, of 200 random batches, with ties and masked places."""
    states = ir.Value(name="hidden", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["batch", "sequence", 1]))
    ids, mask = (
        ir.Value(name=name, type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape(["batch", "sequence"]))
        for name in ("input_ids", "mask")
    )
    graph = ir.Graph([ids, mask, states], [states, mask], nodes=[], opset_imports={"": 20}, name="end")
    model = ir.Model(graph, ir_version=10)
    head = TokenHead(np.ones((1, 1), np.float32), np.zeros(1, np.float32), 50, (0, 2))
    head.attach(model, Precision.FP32)
    head.finish(model, Output.SPARSE, None)
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    for _ in range(200):
        shape = random.integers(1, 6), random.integers(1, 40)
        given = random.integers(0, 50, shape), random.integers(0, 2, shape)
        weights = random.integers(-3, 4, shape).astype(np.float32) / 2
        inputs = {"input_ids": given[0], "mask": given[1], "hidden": weights[..., None]}
        indices, values = session.run(["indices", "values"], inputs)
        for row in range(shape[0]):
            largest: dict[int, float] = {}
            for index, seen, weight in zip(*(part[row].tolist() for part in (*given, weights)), strict=True):
                if seen and weight > 0 and index not in (0, 2):
                    largest[index] = max(weight, largest.get(index, 0.0))
            expected = sorted(largest.items(), key=lambda pair: (-pair[1], pair[0]))
            padding = [(-1, 0.0)] * (indices.shape[1] - len(expected))
            assert list(zip(indices[row].tolist(), values[row].tolist(), strict=True)) == expected + padding


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Copy:
    return Copy(Path(shutil.copytree(bundle, tmp_path / "copy")))


def test_a_wrong_dense_embedding_is_found(copy: Copy) -> None:
    lines = [json.loads(line) for line in (copy.path / "golden.jsonl").read_text().splitlines()]
    lines[0]["dense"][0] += 0.01
    copy.put("golden.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    report = verify(copy.save())
    assert [miss for miss in report.misses if "dense embeddings: largest difference" in miss]


def test_golden_vectors_without_dense_embeddings(copy: Copy) -> None:
    lines = [json.loads(line) for line in (copy.path / "golden.jsonl").read_text().splitlines()]
    for line in lines:
        del line["dense"]
    copy.put("golden.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    assert "golden.jsonl has no dense embeddings" in str(verify(copy.save()).misses)


def test_a_bundle_without_dense_embeddings(model: Path, tmp_path: Path) -> None:
    export(ExportOptions(str(model), tmp_path / "bundle"))
    encoder = LocalEncoder(tmp_path / "bundle")
    assert isinstance(encoder.encode_documents(["fish"])[0], SparseVector)
    with pytest.raises(BundleError, match="gives no dense embeddings: export it with --with-dense"):
        encoder.encode_documents(["fish"], dense=True)


def test_an_empty_list_of_texts(bundle: Path) -> None:
    vectors, dense = LocalEncoder(bundle).encode_documents([], dense=True)
    assert (vectors, dense.shape) == ([], (0, 32))


def test_options_that_do_not_fit(model: Path, tmp_path: Path) -> None:
    splade, mean = save_splade(tmp_path / "splade"), save_bge_m3(tmp_path / "mean", pooling="mean")
    corpus = tmp_path / "texts.txt"
    corpus.write_text("".join(f"fish {number}\n" for number in range(200)))
    for folder, more, message in (
        (splade, {"with_dense": True}, "splade, which has no dense embedding beside its weights"),
        (mean, {"with_dense": True}, "does not make its dense embedding of the first state, normalized"),
        (model, {"with_dense": True, "form": Output.DENSE}, "form=dense has one output"),
        (model, {"prune_vocabulary": corpus}, "token-weights, which has no decoder"),
        (model, {"sae_only": True}, "token-weights, which has no sparse autoencoder"),
    ):
        with pytest.raises(InputError, match=message):
            export(ExportOptions(str(folder), tmp_path / "bundle", **more))


def _cut(folder: Path) -> None:
    os.truncate(folder / "sparse_linear.pt", 100)


def _code(folder: Path) -> None:
    torch.save(Path, folder / "sparse_linear.pt")


def _shape(folder: Path) -> None:
    torch.save(torch.nn.Linear(16, 1).state_dict(), folder / "sparse_linear.pt")


def _no_bias(folder: Path) -> None:
    torch.save({"weight": torch.ones(1, 32)}, folder / "sparse_linear.pt")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_cut, "in sparse_linear.pt of .* cannot be read"),
        (_code, "in sparse_linear.pt of .* cannot be read"),
        (_shape, r"has a weight \[1, 16\] and a bias \[1\]; expected \[1, 32\] and \[1\]"),
        (_no_bias, "in sparse_linear.pt of .* cannot be read: .*bias"),
    ],
)
def test_a_damaged_layer(model: Path, tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(model, folder)
    damage(folder)
    with pytest.raises(CheckpointError, match=message):
        export(ExportOptions(str(folder), tmp_path / "bundle"))


def test_the_card_and_inspect_name_the_third_output(bundle: Path) -> None:
    assert "`values` float32 [batch, active]; `dense` float32 [batch, 32] |" in (bundle / "README.md").read_text()
    shown = run("inspect", bundle).output
    assert "special_tokens" in shown
    assert "dense_dim" in shown


def test_a_checkpoint_without_modules(tmp_path: Path) -> None:
    export(ExportOptions(str(save_bge_m3(tmp_path / "model", modules=False)), tmp_path / "bundle", with_dense=True))
    assert verify(tmp_path / "bundle").passed


def test_the_command(model: Path, tmp_path: Path) -> None:
    error = error_of("--model", save_splade(tmp_path / "splade"), "--output", tmp_path / "bundle", "--with-dense")
    assert "export it without --with-dense" in error
