"""Each pass on a graph of a few nodes: how many it changes and what the numbers become, with optimizations off."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx_ir as ir
import onnxruntime

from sparse_export.graph import residual
from sparse_export.graph.precision import fp16, int8
from sparse_export.graph.tape import GraphTape, finish

WIDTH = 8
GENERATOR = np.random.default_rng(0)
TABLE, WEIGHT = (GENERATOR.normal(size=shape).astype(np.float32) for shape in ((256, WIDTH), (WIDTH, WIDTH)))
IDS = GENERATOR.integers(0, 256, (3, 5))


def embedded() -> tuple[ir.Model, GraphTape, ir.Value]:
    """Return a graph that looks `ids` int64 `[batch, sequence]` up in a table, and its states."""
    ids = ir.Value(name="ids", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape(["batch", "sequence"]))
    model = ir.Model(ir.Graph([ids], [], nodes=[], opset_imports={"": 20}, name="small"), ir_version=10)
    tape = GraphTape(model.graph)
    return model, tape, typed(tape.op("Gather", tape.constant(TABLE, "table"), ids))


def typed(value: ir.Value) -> ir.Value:
    """Give a value the type that torch's exporter writes."""
    value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(["batch", "sequence", WIDTH])
    return value


def layer() -> ir.Model:
    """Gather, MatMul, Add and LayerNormalization: states plus their projection, normalized."""
    model, tape, states = embedded()
    product = typed(tape.op("MatMul", states, tape.constant(WEIGHT, "weight")))
    total = typed(tape.op("Add", states, product))
    scale = tape.constant(np.ones(WIDTH, np.float32), "scale")
    model.graph.outputs.append(typed(tape.op("LayerNormalization", total, scale, axis=-1)))
    finish(model)
    return model


def operators(model: ir.Model) -> Counter[str]:
    return Counter(node.op_type for node in model.graph)


def run(model: ir.Model, ids: np.ndarray = IDS) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    graph = ir.to_proto(model).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"ids": ids})
    return np.asarray(output)


def test_unfuse_renames_the_sum_and_changes_no_number() -> None:
    model = layer()
    before = run(model)
    assert residual.unfuse(model) == 1
    assert operators(model) == {"Gather": 1, "MatMul": 1, "Sum": 1, "LayerNormalization": 1}
    assert (run(model) == before).all()
    assert residual.unfuse(model) == 0, "nothing is left to change"


def test_unfuse_leaves_a_sum_that_nothing_normalizes() -> None:
    model, tape, states = embedded()
    model.graph.outputs.append(typed(tape.op("Add", states, states)))
    assert residual.unfuse(model) == 0
    assert operators(model) == {"Gather": 1, "Add": 1}


def test_convert_runs_every_node_in_half_precision() -> None:
    model = layer()
    before = run(model)
    assert fp16.convert(model) == 4
    finish(model)
    weights = [value for value in model.graph.initializers.values() if value.dtype is ir.DataType.FLOAT]
    assert weights == [], "no weight stays in single precision"
    after = run(model)
    assert after.dtype == np.float16
    difference = np.abs(after.astype(np.float32) - before).max()
    assert 0 < difference < 5e-3


def test_convert_leaves_a_reduction_in_single_precision() -> None:
    model, tape, states = embedded()
    model.graph.outputs.append(typed(tape.op("Softmax", states, axis=-1)))
    assert fp16.convert(model) == 1, "the look-up alone"
    assert operators(model) == {"Gather": 1, "Cast": 1, "Softmax": 1}
    assert run(model).dtype == np.float32


def test_quantize_the_product_and_the_table() -> None:
    model = layer()
    before = run(model)
    assert int8.quantize(model) == 2
    finish(model)
    found = operators(model)
    assert (found["MatMulInteger"], found["MatMul"]) == (1, 0)
    kinds = {value.dtype for value in model.graph.initializers.values() if value.const_value.size >= WEIGHT.size}  # type: ignore[union-attr]
    assert kinds == {ir.DataType.INT8, ir.DataType.FLOAT}, "the table's scales are the only large floats"
    difference = np.abs(run(model) - before).max()
    assert 0 < difference < 0.05


def test_quantize_gives_each_token_a_scale_of_its_own() -> None:
    """What a token becomes does not depend on the others in the batch."""
    model, tape, states = embedded()
    model.graph.outputs.append(typed(tape.op("MatMul", states, tape.constant(WEIGHT, "weight"))))
    finish(model)
    int8.quantize(model)
    finish(model)
    assert (run(model)[:1, :2] == run(model, IDS[:1, :2])).all()


def test_quantize_keeps_what_is_named() -> None:
    model = layer()
    (product,) = (node for node in model.graph if node.op_type == "MatMul")
    assert int8.quantize(model, keep=frozenset({str(product.name)})) == 1
    assert operators(model)["MatMul"] == 1
