"""Models of thousands of positions: the proof is bounded, and texts without padding get attention without a mask."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from sentence_transformers import SparseEncoder

from sparse_client import LocalEncoder, SparseVector
from sparse_export import golden_texts
from sparse_export.checkpoint.load import read_checkpoint
from sparse_export.options import ExportOptions
from sparse_export.parity import reference
from support.commands import error_of, run
from support.tiny_checkpoints import save_masked_lm, save_splade

LONG = 4096
VALUE = 1e-4
INT8 = 0.1  # how far int8 is from PyTorch here
ROUNDING = 0.01  # of int8 between the two ways: 0.0015 here, where a mask that is wrong in one of them makes 0.04
MEMORY = 3 * 2**30
SHORT_TEXTS = ["the weather is lovely today", "a", "fish and whale in the sea"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked_lm(
        tmp_path_factory.mktemp("long") / "long", "bert", max_position_embeddings=LONG, initializer_range=0.05
    )


@pytest.fixture(scope="module", params=["none", "int8"])
def bundle(request: pytest.FixtureRequest, checkpoint: Path) -> Path:
    output = checkpoint.with_name(f"long-{request.param}")
    options = ("--max-length", str(LONG), "--proof-tokens", "1500", "--quantize", request.param)
    result = run("--model", checkpoint, "--output", output, *options)
    assert result.exit_code == 0, result.output
    return output


def test_the_manifest_says_up_to_which_length_it_was_proven(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    golden = (bundle / "golden.jsonl").read_text("utf-8").splitlines()
    lengths = [len(json.loads(line)["input_ids"]) for line in golden]
    assert 1480 <= manifest["proven_tokens"] <= 1500
    assert manifest["proven_tokens"] == max(lengths)
    assert sorted(lengths)[-3] <= 512 < manifest["max_length"] == LONG
    assert "proven_tokens" in run("inspect", bundle).stdout


def test_a_text_of_all_positions_is_pytorchs(bundle: Path, checkpoint: Path) -> None:
    encoder = SparseEncoder(str(checkpoint), device="cpu")
    encoder.max_seq_length = LONG
    text = golden_texts.prose(LONG)
    expected = SparseVector.of_dense(np.asarray(encoder.encode_document(text, convert_to_sparse_tensor=False)))
    (found,) = LocalEncoder(bundle).encode_documents([text])
    assert _difference(expected, found) <= (INT8 if "int8" in bundle.name else VALUE)


def test_alone_and_padded_are_the_same_but_for_rounding(bundle: Path) -> None:
    """Alone it goes through attention without a mask, in a padded batch through attention with one."""
    texts = [golden_texts.prose(900), *SHORT_TEXTS]
    encoder = LocalEncoder(bundle)
    alone = [encoder.encode_documents([text])[0] for text in texts]
    tokenizer = encoder._encoding.tokenizers.of("document")
    padded = encoder._encoding.outputs("document.onnx", tokenizer.pad(tokenizer.ids(texts)), encoder._encoding.reader)
    differences = [_difference(one, other) for one, other in zip(alone, padded, strict=True)]
    assert max(differences) <= (ROUNDING if "int8" in bundle.name else 1e-5)


def test_both_ways_are_in_the_graph(bundle: Path) -> None:
    graph = onnx.load(bundle / "document.onnx").graph
    branches = [node for node in graph.node if node.op_type == "If"]
    masks = [[len(branch.g.node[0].input) for branch in node.attribute] for node in branches]
    assert masks == [[3, 5]] * 2, "query, key, value; and, after no bias, the mask"
    assert json.loads((bundle / "manifest.json").read_text())["passes"]["unpadded"] == 2


@pytest.mark.parametrize("length", [1024, 1025])
def test_short_models_keep_one_way(tmp_path: Path, length: int) -> None:
    checkpoint = save_masked_lm(tmp_path / "m", "bert", max_position_embeddings=length, num_hidden_layers=1)
    result = run("--model", checkpoint, "--output", tmp_path / "b", "--max-length", str(length), "--proof-tokens", "64")
    assert result.exit_code == 0, result.output
    operators = {node.op_type for node in onnx.load(tmp_path / "b" / "document.onnx").graph.node}
    assert ("If" in operators) == (length > 1024)


def test_a_sliding_window_keeps_its_mask(tmp_path: Path) -> None:
    """ModernBERT: every second layer here sees everything, the others eight tokens."""
    checkpoint = save_masked_lm(tmp_path / "m", "modernbert", max_position_embeddings=2048)
    result = run("--model", checkpoint, "--output", tmp_path / "b", "--max-length", "2048", "--proof-tokens", "700")
    assert result.exit_code == 0, result.output
    operators = [node.op_type for node in onnx.load(tmp_path / "b" / "document.onnx").graph.node]
    assert operators.count("If") == operators.count("MultiHeadAttention") == 1


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("most", [None, 20])
def test_a_reference_in_chunks_is_that_of_sentence_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pooling: str, most: int | None
) -> None:
    folder = save_splade(tmp_path / "m", pooling=pooling, bare={"max_position_embeddings": 2048}, max_active_dims=most)
    checkpoint = read_checkpoint(ExportOptions(model=str(folder), output=tmp_path, max_length=1500))
    monkeypatch.setattr(reference, "LOGITS", 3 * 100 * 512)  # 15 chunks
    texts = [golden_texts.prose(words) for words in (1400, 700, 3)]
    weights = checkpoint.encoder.encode_document(texts, convert_to_sparse_tensor=False)
    found = reference.encode_batch(checkpoint, "document", texts)
    for row, vector in zip(np.asarray(weights), found, strict=True):
        largest = 1 if pooling == "max" else row.max()  # float32 sums of 1,400 tokens round otherwise
        assert _difference(SparseVector.of_dense(row), vector) <= VALUE * largest


def test_a_long_model_with_a_large_vocabulary_fits_into_memory(tmp_path: Path) -> None:
    """A padded batch of its longest text would hold 12 GB of logits."""
    checkpoint = save_masked_lm(tmp_path / "m", "bert", max_position_embeddings=8192, vocab_size=50_368)
    command = [Path(sys.executable).with_name("sparse-export"), "--model", checkpoint, "--output", tmp_path / "b"]
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, command), "--max-length", "8192"],
        capture_output=True,
        text=True,
        check=True,
    )
    kibibytes = int(ran.stdout.splitlines()[-1])
    assert kibibytes * 1024 < MEMORY


def test_fewer_than_one_token_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    error = error_of("--model", checkpoint, "--output", tmp_path / "b", "--proof-tokens", "0")
    assert error == "Error: --proof-tokens 0 is too small; give 1 or more."


def _difference(one: SparseVector, other: SparseVector) -> float:
    left, right = (dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True)) for vector in (one, other))
    return max(abs(left.get(index, 0.0) - right.get(index, 0.0)) for index in left.keys() | right.keys())
