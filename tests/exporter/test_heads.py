"""Pooling, activation, and what the graph of the real model must look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from tokenizers import Tokenizer

from sparse_export import ExportOptions, Output, Precision, SparseExportError
from sparse_export.graph.vocabulary_head import ACTIVATIONS, BLOCK
from sparse_export.parity.runtime import EncoderGraph
from sparse_export.pipeline.export import export
from support.tiny_checkpoints import PADDED_VOCABULARY, save_splade


def token_batch(tokenizer: Tokenizer, texts: list[str]) -> dict[str, np.ndarray]:
    encodings = tokenizer.encode_batch(texts)
    ids, mask = ([getattr(encoding, name) for encoding in encodings] for name in ("ids", "attention_mask"))
    return {"input_ids": np.array(ids, np.int64), "attention_mask": np.array(mask, np.int64)}


LARGE = 64 * 64  # values of a weight that is worth quantizing


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_pooling_and_activation(pooling: str, activation: str, precision: Precision, tmp_path: Path) -> None:
    model = save_splade(tmp_path / "model", pooling=pooling, activation=activation)
    content = export(ExportOptions(model=str(model), output=tmp_path / "bundle", precision=precision))
    assert (content.pooling, content.activation) == (pooling, activation)
    assert content.dimension == PADDED_VOCABULARY


def test_dense_output_is_the_whole_dimension(splade_tiny: Path, splade_bundle: Path, tmp_path: Path) -> None:
    export(ExportOptions(model=str(splade_tiny), output=tmp_path / "dense", form=Output.DENSE))
    tokenizer = Tokenizer.from_file(str(splade_bundle / "tokenizer.json"))
    batch = token_batch(tokenizer, ["The weather is lovely today.", "a"])
    graph = EncoderGraph(tmp_path / "dense" / "document.onnx")
    assert graph.outputs == ["sentence_embedding"]
    (dense,) = graph.session.run(None, batch)
    for weights, row in zip(dense, EncoderGraph(splade_bundle / "document.onnx").run(batch), strict=True):
        np.testing.assert_array_equal(weights[row.indices], row.values)
        assert np.count_nonzero(weights) == len(row.indices)


def test_max_active_dims_is_a_prefix(splade_tiny: Path, splade_bundle: Path, tmp_path: Path) -> None:
    export(ExportOptions(model=str(splade_tiny), output=tmp_path / "ten", max_active_dims=10))
    batch = token_batch(Tokenizer.from_file(str(splade_bundle / "tokenizer.json")), ["The weather is lovely today."])
    (ten,) = EncoderGraph(tmp_path / "ten" / "document.onnx").run(batch)
    (whole,) = EncoderGraph(splade_bundle / "document.onnx").run(batch)
    np.testing.assert_array_equal(ten.indices, whole.indices[:10])


def test_outputs_are_sorted_and_padded(splade_bundle: Path) -> None:
    tokenizer = Tokenizer.from_file(str(splade_bundle / "tokenizer.json"))
    batch = token_batch(tokenizer, ["The weather is lovely today.", "", "a much longer text about museums " * 9])
    session = EncoderGraph(splade_bundle / "document.onnx").session
    indices, values = session.run(["indices", "values"], batch)
    assert (indices.dtype, values.dtype) == (np.int32, np.float32)
    assert (np.diff(values) <= 0).all()
    assert (values[indices == -1] == 0).all()
    assert (values[indices >= 0] > 0).all()
    assert (indices >= 0).sum(axis=1).max() == indices.shape[1]


def test_int8_leaves_no_large_product_in_float(splade_int8_bundle: Path) -> None:
    graph = ir.load(splade_int8_bundle / "document.onnx").graph
    weights = {
        op: [_weight(node) for node in graph if node.op_type == op] for op in ("MatMul", "Gemm", "MatMulInteger")
    }
    assert not [weight for op in ("MatMul", "Gemm") for weight in weights[op] if weight.size > LARGE]
    # 2 layers of query, key, value, output and 2 feed-forward products, the head's dense layer, and its blocks.
    assert len(weights["MatMulInteger"]) == 2 * 6 + 1 + -(-30522 // BLOCK)
    assert all(weight.dtype == ir.DataType.INT8 for weight in weights["MatMulInteger"])
    large_floats = [
        value.name
        for value in graph.initializers.values()
        if value.dtype == ir.DataType.FLOAT and value.const_value.size > 30522
    ]
    assert large_floats == []


@pytest.mark.parametrize("bundle", ["splade_bundle", "splade_fp16_bundle", "splade_int8_bundle"])
def test_no_tensor_has_batch_sequence_and_vocabulary(bundle: str, request: pytest.FixtureRequest) -> None:
    graph = ir.load(request.getfixturevalue(bundle) / "document.onnx").graph
    products = [node for node in graph if node.op_type in ("MatMul", "Gemm", "MatMulInteger")]
    assert max(_weight(node).shape[1] for node in products) <= 512  # the feed-forward layer; never the vocabulary


def test_fp16_fits_its_range_and_reduces_in_single_precision(splade_fp16_bundle: Path) -> None:
    graph = ir.load(splade_fp16_bundle / "document.onnx").graph
    halves = [value for value in graph.initializers.values() if value.dtype == ir.DataType.FLOAT16]
    assert len(halves) > 100
    assert all(np.isfinite(value.const_value.numpy()).all() for value in halves)
    produced = {node.outputs[0].name: node for node in graph}
    for node in graph:
        if node.op_type in ("ReduceMax", "ReduceSum", "Log") and node.inputs[0].name in produced:
            source = produced[node.inputs[0].name]
            assert source.op_type != "MatMul", "a float16 product goes straight into a reduction"
    session = EncoderGraph(splade_fp16_bundle / "document.onnx").session
    assert [output.type for output in session.get_outputs()] == ["tensor(int32)", "tensor(float)"]


@pytest.mark.parametrize("bundle", ["splade_bundle", "splade_fp16_bundle", "splade_int8_bundle"])
def test_older_hosts_load_the_graphs(bundle: str, request: pytest.FixtureRequest) -> None:
    for name in ("document.onnx", "decode.onnx"):
        model = ir.load(request.getfixturevalue(bundle) / name)
        assert model.ir_version <= 10
        assert model.graph.opset_imports[""] <= 20
        assert {node.domain for node in model.graph} <= {"", "com.microsoft"}


def test_opset_18(splade_tiny: Path, tmp_path: Path) -> None:
    export(ExportOptions(model=str(splade_tiny), output=tmp_path / "old", opset=18, precision=Precision.INT8))
    assert ir.load(tmp_path / "old" / "document.onnx").graph.opset_imports[""] == 18


@pytest.mark.parametrize("choice", [{"opset": 23}, {"max_length": 0}, {"max_active_dims": 0}, {"min_ndcg_ratio": 2}])
def test_options_out_of_range(choice: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(SparseExportError, match=str(next(iter(choice.values())))):
        ExportOptions(model="model", output=tmp_path, **choice)  # type: ignore[arg-type]


def _weight(node: ir.Node) -> ir.TensorProtocol:
    value = node.inputs[1]
    assert value is not None
    return value.const_value if value.const_value is not None else ir.tensor(np.zeros((0, 0)))
