"""--prune-vocabulary: what stays is untouched, what goes never appears, and what other texts lose is said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from sentence_transformers import SparseEncoder

from sparse_client import LocalEncoder
from sparse_client.bundle.reader import open_bundle
from sparse_client.parity.golden import read_golden
from sparse_export import ExportOptions, verify
from sparse_export.golden_texts import HARD_TEXTS, REAL_TEXTS
from sparse_export.graph import sparse_output
from sparse_export.graph.tape import GraphTape, finish
from sparse_export.pipeline.export import export
from sparse_export.pipeline.pruning import FEWEST, read_corpus
from support.bundles import encode
from support.commands import error_of, run
from support.real_checkpoints import glosses
from support.tiny_checkpoints import WORDS, save_csr, save_inference_free, save_splade

ROOT = Path(__file__).parents[2]
DIMENSION = 30522
TEXTS = 200
MIN_COUNT = 2


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real texts, one a line, some of them twice."""
    path = tmp_path_factory.mktemp("corpus") / "texts.txt"
    texts = glosses(TEXTS)
    path.write_text("\n".join([*texts, *texts[:20]]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def pruned(splade_tiny: Path, corpus: Path) -> dict[str, Path]:
    """The real SPLADE, pruned, by precision."""
    bundles = {"fp32": corpus.with_name("fp32"), "int8": corpus.with_name("int8")}
    for quantize, output in zip(("none", "int8"), bundles.values(), strict=True):
        result = run(
            *("--model", splade_tiny, "--output", output, "--quantize", quantize),
            *("--prune-vocabulary", corpus, "--prune-min-count", MIN_COUNT),
        )
        assert result.exit_code == 0, result.output
        assert "lost by 20 other texts" in result.stdout
        assert "90 %" in result.stderr
    return bundles


def columns_of(bundle: Path) -> np.ndarray:
    value = ir.load(bundle / "document.onnx").graph.initializers["columns"].const_value
    assert value is not None
    return value.numpy()


def manifest_of(bundle: Path) -> dict[str, dict[str, float]]:
    return json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_what_stays_is_equal_and_what_goes_never_appears(
    real_bundle: Callable[[str, str], Path], pruned: dict[str, Path], precision: str
) -> None:
    columns = set(columns_of(pruned[precision]).tolist())
    texts = [*glosses(TEXTS + 40)[TEXTS:], *HARD_TEXTS, *REAL_TEXTS]
    whole, some = (encode(bundle, texts) for bundle in (real_bundle("splade", precision), pruned[precision]))
    lost = 0
    for before, after in zip(whole, some, strict=True):
        kept = {index: value for index, value in before.items() if index in columns}
        assert list(after.items()) == list(kept.items()), "the same weights in the same order"
        lost += len(before) - len(after)
    assert lost > 100


def test_columns_are_those_in_use(splade_bundle: Path, pruned: dict[str, Path], corpus: Path) -> None:
    choosing = read_corpus(corpus, MIN_COUNT).choosing
    active = np.zeros(DIMENSION, int)
    for row in encode(splade_bundle, choosing):
        active[list(row)] += 1
    kept = active >= MIN_COUNT
    for golden in read_golden(open_bundle(splade_bundle)):
        kept[golden.vector.indices] = True
    for bundle in pruned.values():
        np.testing.assert_array_equal(columns_of(bundle), np.flatnonzero(kept))
        assert columns_of(bundle).dtype == np.int32


def test_held_out_texts_never_choose(corpus: Path) -> None:
    found = read_corpus(corpus, 1)
    assert (len(found.choosing), len(found.held_out)) == (180, 20)
    assert not set(found.choosing) & set(found.held_out)
    assert set(found.choosing) | set(found.held_out) == set(glosses(TEXTS))


def test_the_report_is_what_held_out_texts_lose(splade_tiny: Path, pruned: dict[str, Path], corpus: Path) -> None:
    texts, columns = read_corpus(corpus, MIN_COUNT).held_out, columns_of(pruned["int8"])
    before = SparseEncoder(str(splade_tiny), device="cpu").encode_document(texts).to_dense().numpy()
    after = np.zeros_like(before)
    after[:, columns] = before[:, columns]
    cosines = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    for bundle in pruned.values():
        found = manifest_of(bundle)["pruning"]
        cost: dict[str, float] = found.pop("held_out")  # type: ignore[assignment]
        shares = {"kept": len(columns), "dropped": DIMENSION - len(columns), "texts": 180, "min_count": MIN_COUNT}
        assert found == {**shares, "share_dropped": pytest.approx(1 - len(columns) / DIMENSION, abs=1e-4)}
        assert cost["mean_cosine"] == pytest.approx(cosines.mean(), abs=1e-5)
        assert cost["worst_cosine"] == pytest.approx(cosines.min(), abs=1e-5)
        assert cost["weight_dropped"] == pytest.approx(1 - after.sum() / before.sum(), abs=1e-5)
        assert cost["max_difference"] == pytest.approx((before - after).max(), abs=1e-5)
        assert 0.01 < cost["weight_dropped"] < 1


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_pruned_bundle_is_a_bundle_like_any(
    splade_bundle: Path, pruned: dict[str, Path], tmp_path: Path, precision: str
) -> None:
    bundle = pruned[precision]
    assert (bundle / "golden.jsonl").read_bytes() == (splade_bundle / "golden.jsonl").read_bytes(), "PyTorch's, whole"
    assert (bundle / "decode.onnx").read_bytes() == (splade_bundle / "decode.onnx").read_bytes()
    assert manifest_of(bundle)["dimension"] == DIMENSION
    assert verify(bundle)["document"].texts == 39
    encoder = LocalEncoder(bundle)
    (tokens,) = encoder.decode(encoder.encode_documents(["The weather is lovely today."]), top=4)
    assert {"today", "lovely", "weather"} < {token for token, _ in tokens}
    script = (
        (ROOT / "docs" / "bundle-format.md").read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    )
    replayed = subprocess.run([sys.executable, "-c", script], cwd=bundle, capture_output=True, text=True, check=True)
    assert re.search(r"The weather is lovely today. \[ *2651 +8403 +\d+\] \[2651, 8403, 4633\]", replayed.stdout)
    assert run("triton", bundle, "--repository", tmp_path, "--name", "m").exit_code == 0
    assert (tmp_path / "m_document_encoder" / "1" / "model.onnx").is_file()


def test_it_is_told(pruned: dict[str, Path]) -> None:
    shown = run("inspect", pruned["int8"]).stdout
    card = (pruned["int8"] / "README.md").read_text(encoding="utf-8")
    found = manifest_of(pruned["int8"])["pruning"]
    for page in (shown, card):
        assert f"{found['kept']} of 30522, {found['share_dropped']:.1%} dropped" in page
        assert "180 texts, active in 2 texts or more" in page
        assert re.search(r"lost by 20 other texts\W+\d+\.\d\d% of the weight, mean cosine 0\.\d{4}, worst", page)
    verified = " ".join(run("verify", pruned["int8"]).stdout.split())  # a title is folded to the table's width
    assert "int8, verified" in verified
    assert sum(path.stat().st_size for path in pruned["int8"].glob("document.onnx")) < 7e6


def test_the_whole_vocabulary_says_nothing(splade_bundle: Path) -> None:
    assert "pruning" not in manifest_of(splade_bundle)
    assert "columns" not in ir.load(splade_bundle / "document.onnx").graph.initializers
    assert "columns kept" not in run("inspect", splade_bundle).stdout
    assert "Pruned" not in (splade_bundle / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def phrases(tmp_path: Path) -> Path:
    """Three words of the tiny vocabulary a line, as a collection has them."""
    words = WORDS.split()
    texts = [f"{words[step % 7]} {words[step % 11]} {words[(step * 5) % 30]}" for step in range(300)]
    records = [{"_id": str(number), "title": "the", "text": text} for number, text in enumerate(texts)]
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("save", "options"),
    [
        (save_splade, ["--quantize", "fp16"]),
        (lambda folder: save_splade(folder, pooling="sum"), []),
        (lambda folder: save_splade(folder, activation="log1p_relu"), ["--opset", "18"]),
        (save_inference_free, ["--quantize", "int8"]),
        (save_splade, ["--max-active-dims", "20"]),
    ],
)
def test_every_way_to_export(save: Callable[[Path], Path], options: list[str], phrases: Path, tmp_path: Path) -> None:
    model, bundle = save(tmp_path / "model"), tmp_path / "bundle"
    pruning = ("--prune-vocabulary", phrases, "--prune-min-count", "100")
    result = run("--model", model, "--output", bundle, *options, *pruning)
    assert result.exit_code == 0, result.output
    assert 0 < manifest_of(bundle)["pruning"]["dropped"] < 512
    assert verify(bundle)
    run("--model", model, "--output", tmp_path / "whole", *(options if "--max-active-dims" not in options else []))
    columns = set(columns_of(bundle).tolist())
    texts = ["water in the sea", "a bridge over the green river", "", "leaf"]
    for before, after in zip(encode(tmp_path / "whole", texts), encode(bundle, texts), strict=True):
        kept = {index: value for index, value in before.items() if index in columns}
        assert after == dict(list(kept.items())[: 20 if "--max-active-dims" in options else None])
    if save is save_inference_free:
        assert encode(bundle, texts, "query") == encode(tmp_path / "whole", texts, "query"), "queries are whole"


def test_equal_weights_stay_in_the_order_of_their_index() -> None:
    weights = ir.Value(name="weights", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["batch", 4]))
    graph = ir.Graph([weights], [weights], nodes=[], opset_imports={"": 20}, name="document")
    GraphTape(graph)
    model = ir.Model(graph, ir_version=10)
    sparse_output.attach(model, None, np.array([3, 10, 20, 30], np.int32))
    finish(model)
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString())
    rows = np.array([[1, 2, 1, 1], [0, 0, 0, 0.5], [0, 0, 0, 0]], np.float32)
    indices, values = session.run(None, {"weights": rows})
    assert indices.tolist() == [[10, 3, 20, 30], [30, -1, -1, -1], [-1] * 4]
    assert indices.dtype == np.int32
    assert values.tolist() == [[2, 1, 1, 1], [0.5, 0, 0, 0], [0] * 4]


def test_weights_beside_the_graph(phrases: Path, tmp_path: Path) -> None:
    model, bundle = save_splade(tmp_path / "model"), tmp_path / "bundle"
    options = {"prune_vocabulary": phrases, "prune_min_count": 100, "external_data_bytes": 10_000}
    content = export(ExportOptions(str(model), bundle, **options))  # type: ignore[arg-type]
    assert content.pruning is not None
    assert content.pruning.dropped
    assert {path.name for path in bundle.iterdir()} == {*content.files, "manifest.json"}
    assert "document.onnx.data" in content.files
    assert verify(bundle)


BAD_FILES: dict[str, tuple[str, bytes | None, str]] = {
    "missing": ("texts.txt", None, r"texts\.txt: cannot be read: No such file or directory\."),
    "empty": ("texts.txt", b"\n \n", r"texts\.txt: holds no text\."),
    "too few": ("texts.txt", b"one\ntwo\none\n" * 50, rf"holds 2 different texts; at least {FEWEST} are needed"),
    "utf-8": ("texts.txt", b"good\nbad \xff\n", r"texts\.txt:2: not UTF-8: .* at byte 4"),
    "no json": ("texts.jsonl", b'{"text": "a"}\n\nnot json\n', r"texts\.jsonl:3: not JSON"),
    "no object": ("texts.jsonl", b'{"text": "a"}\n["b"]\n', r"texts\.jsonl:2: expected a JSON object, got list"),
    "no text": ("texts.jsonl", b'{"_id": "1"}\n', r"texts\.jsonl:1: the field 'text' is missing"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_used(tiny_model: Path, tmp_path: Path, case: str) -> None:
    name, content, message = BAD_FILES[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    output = tmp_path / "bundle"
    assert re.search(
        message, error_of("--model", tiny_model, "--output", output, "--prune-vocabulary", tmp_path / name)
    )
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prune-min-count", "2"], "--prune-min-count 2 needs --prune-vocabulary, which is not given."),
        (["--prune-vocabulary", "x", "--prune-min-count", "0"], "--prune-min-count 0 is too small; give 1 or more."),
        (["--prune-vocabulary", "x", "--dense"], "give --prune-vocabulary or --dense, not both."),
    ],
)
def test_choices_that_do_not_fit(tiny_model: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in error_of("--model", tiny_model, "--output", tmp_path / "bundle", *arguments)


def test_a_count_that_no_column_can_reach(tiny_model: Path, tmp_path: Path, corpus: Path) -> None:
    arguments = ("--prune-vocabulary", corpus, "--prune-min-count", 181)
    error = error_of("--model", tiny_model, "--output", tmp_path / "bundle", *arguments)
    assert "--prune-min-count is 181, but only 180 texts choose; give a smaller number." in error


def test_features_are_no_vocabulary(tmp_path: Path, corpus: Path) -> None:
    model = save_csr(tmp_path / "model")
    error = error_of("--model", model, "--output", tmp_path / "bundle", "--prune-vocabulary", corpus)
    assert "is of the family csr, whose dimensions are features and no vocabulary" in error
    assert not (tmp_path / "bundle").exists()
