"""What a route is, is data: prompt, length, tokenizer, graph, kind of output."""

import json
from typing import Any

import numpy as np
import pytest

from sparse_client import BundleError, LocalEncoder

# Gives each token once with the weight 1 / (1 + its position): the shape of a static table.
LOOKUP = """<ir_version: 10, opset_import: ["": 18]>
g (int64[b, s] input_ids, int64[b, s] attention_mask) => (int32[b, s] indices, float[b, s] values)
<int64 one = {1}, int64 axis = {1}, float on = {1.0}, int64[1] rows = {0}> {
  past = CumSum (attention_mask, axis)
  weight = CastLike (past, on)
  inverse = Div (on, weight)
  mask = CastLike (attention_mask, on)
  values = Mul (inverse, mask)
  shifted = Add (input_ids, one)
  kept = Mul (shifted, attention_mask)
  back = Sub (kept, one)
  indices = Cast <to = 6> (back)
}"""

RECONSTRUCTION = """<ir_version: 10, opset_import: ["": 18]>
g (int32[b, a] indices, float[b, a] values) => (float[b, a] embedding) { embedding = Identity (values) }"""

NOT_A_NUMBER = """<ir_version: 10, opset_import: ["": 18]>
g (int64[b, s] input_ids, int64[b, s] attention_mask) => (int32[b, s] indices, float[b, s] values)
<float zero = {0.0}> {
  indices = Cast <to = 6> (input_ids)
  mask = CastLike (attention_mask, zero)
  values = Div (mask, zero)
}"""


def test_the_prompt_goes_in_front(copy: Any, encoder: LocalEncoder) -> None:
    copy.route("query", prompt="find: ")
    prompted = LocalEncoder(copy.save())
    assert prompted.encode_queries(["rain"]) == encoder.encode_queries(["find: rain"])
    assert prompted.encode_documents(["rain"]) == encoder.encode_documents(["rain"])


@pytest.mark.parametrize(("length", "tokens"), [(7, 7), (None, 602), (512, 512)])
def test_each_route_has_its_length(copy: Any, shapes: Any, length: int | None, tokens: int) -> None:
    copy.put_graph("query.onnx", LOOKUP)  # has no limit of its own
    copy.route("query", graph="query.onnx", max_length=length)
    vocabulary = json.loads((copy.path / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    text = " ".join([word for word in vocabulary if word.isascii() and word.isalpha()][:600])  # a token each
    encoder = LocalEncoder(copy.save())
    encoder.encode_queries([text])
    encoder.encode_documents([text])
    assert shapes == [(1, tokens), (1, 512)]


def test_the_query_may_have_its_own_graph_and_tokenizer(copy: Any, shapes: Any) -> None:
    tokenizer = json.loads((copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["post_processor"] = None  # no [CLS], no [SEP]: an empty text has no tokens
    copy.put("query_tokenizer.json", json.dumps(tokenizer).encode())
    copy.put_graph("query.onnx", LOOKUP)
    copy.route("query", graph="query.onnx", tokenizer="query_tokenizer.json")
    encoder = LocalEncoder(copy.save())
    full, empty = encoder.encode_queries(["hello world", ""])
    assert full.to_dict() == {7592: 1.0, 2088: 0.5}
    assert len(empty) == len(encoder.encode_queries([""])[0]) == 0
    assert shapes[-1] == (1, 1)  # a graph need not bear a sequence of length 0


def test_a_length_of_its_own_leaves_the_side_of_the_cut(copy: Any) -> None:
    tokenizer = json.loads((copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["truncation"]["direction"] = "Left"
    copy.put("tokenizer.json", json.dumps(tokenizer).encode())
    copy.put_graph("query.onnx", LOOKUP)
    copy.route("query", graph="query.onnx", max_length=3)
    assert list(LocalEncoder(copy.save()).encode_queries(["hello world"])[0].to_dict()) == [101, 2088, 102]


@pytest.mark.parametrize("direction", ["Left", "Right"])
def test_padding_is_on_the_right_whatever_the_tokenizer_says(copy: Any, monkeypatch: Any, direction: str) -> None:
    tokenizer = json.loads((copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["padding"] = {**tokenizer["padding"], "direction": direction, "pad_id": 103}
    copy.put("tokenizer.json", json.dumps(tokenizer).encode())
    encoder = LocalEncoder(copy.save())
    seen: list[Any] = []
    monkeypatch.setattr(
        encoder._sessions,
        "run",
        lambda _graph, inputs, _wanted: (
            seen.append(inputs) or {"indices": np.full((2, 1), -1), "values": np.zeros((2, 1))}
        ),
    )
    encoder.encode_documents(["hello world", "hello"])
    assert seen[0]["input_ids"].tolist() == [[101, 7592, 2088, 102], [101, 7592, 102, 103]]
    assert seen[0]["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_dense_embeddings_become_sparse_vectors(dense: Any) -> None:
    vectors = LocalEncoder(dense.path).encode_documents(["hello world world", ""])
    weights = [(7592, 7.592), (2088, 2.088), (102, 0.102), (101, -0.101)]
    assert list(vectors[0].to_dict().items()) == [(index, pytest.approx(weight)) for index, weight in weights]
    assert vectors[0].indices.dtype == np.int32
    assert list(vectors[1].to_dict()) == [102, 101]
    cut = LocalEncoder(dense.path, max_active_dims=2).encode_documents(["hello world"])
    assert list(cut[0].to_dict()) == [7592, 2088]


def test_a_graph_of_the_other_kind_is_named(dense: Any) -> None:
    dense.manifest["output"] = "sparse"
    encoder = LocalEncoder(dense.save())
    with pytest.raises(BundleError, match=r"document\.onnx \(splade\) gives sentence_embedding, not indices, values"):
        encoder.encode_documents(["a"])


def test_a_missing_route_is_named(copy: Any) -> None:
    del copy.manifest["routes"]["query"]
    encoder = LocalEncoder(copy.save())
    assert len(encoder.encode_documents(["a"])) == 1
    with pytest.raises(BundleError, match="has no route 'query', it has: document"):
        encoder.encode_queries(["a"])


def test_dimensions_without_names_are_not_decoded(copy: Any, encoder: LocalEncoder) -> None:
    vectors = encoder.encode_documents(["a"])
    copy.put_graph("decode.onnx", RECONSTRUCTION)
    copy.manifest["family"] = "csr"
    with pytest.raises(
        BundleError, match=r"decode\.onnx \(csr\) gives embedding, not tokens: .* no words; .*reconstruct"
    ):
        LocalEncoder(copy.save()).decode(vectors)
    del copy.manifest["files"]["decode.onnx"]
    with pytest.raises(BundleError, match=r"has no decode\.onnx: the dimensions of this bundle have no names"):
        LocalEncoder(copy.save()).decode(vectors)


def test_a_graph_that_gives_nonsense_is_named(copy: Any) -> None:
    copy.put_graph("document.onnx", NOT_A_NUMBER)
    encoder = LocalEncoder(copy.save())
    with pytest.raises(BundleError, match=r"document\.onnx gave an invalid vector: values must be finite"):
        encoder.encode_documents(["a"])


def test_a_graph_that_fails_is_named_once(copy: Any, capfd: Any) -> None:
    copy.route("document", max_length=None)  # the model has 512 positions
    encoder = LocalEncoder(copy.save())
    with pytest.raises(BundleError, match=r"document\.onnx failed on input_ids \(1, 602\)"):
        encoder.encode_documents(["rain " * 600])
    assert capfd.readouterr().err == ""  # onnxruntime does not print it as well
