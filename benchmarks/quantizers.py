"""Other ways to 8 bits and fewer, from the graphs of a bundle: ONNX Runtime's own tools, and ours with fixed scales."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

from sparse_export.graph.tape import GraphTape, finish

Batches = Sequence[dict[str, NDArray[np.int64]]]
ONLY_WEIGHTS = {"MatMulConstBOnly": True}


def stock_dynamic(source: Path, target: Path, _: Batches) -> None:
    """Activations in 8 bits with one range per batch, found as it runs."""
    quantize_dynamic(
        source, target, op_types_to_quantize=["MatMul", "Gather"], per_channel=True, weight_type=QuantType.QInt8,
        extra_options=ONLY_WEIGHTS,
    )  # fmt: skip


def stock_static(source: Path, target: Path, batches: Batches) -> None:
    """Activations in 8 bits with ranges of the given texts, as QuantizeLinear and DequantizeLinear around products."""
    prepared = target.with_suffix(".prepared.onnx")
    model = ir.load(source)
    for node in model.graph:
        for value in (*node.inputs[:1], *node.outputs) if node.op_type == "MatMul" else ():
            assert value is not None
            value.type = ir.TensorType(ir.DataType.FLOAT)  # what has no type is not quantized
    ir.save(model, prepared)
    quantize_static(
        prepared, target, _Reader(batches), quant_format=QuantFormat.QDQ, op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        extra_options=ONLY_WEIGHTS | {"OpTypesToExcludeOutputQuantization": ["MatMul"]},
    )  # fmt: skip


def weights_only(bits: int) -> Callable[[Path, Path, Batches], None]:
    """Weights in `bits` bits, a scale for every 32 of them; products are computed in 8 bits."""

    def quantize(source: Path, target: Path, _: Batches) -> None:
        quantizer = MatMulNBitsQuantizer(onnx.load(source), bits=bits, block_size=32, accuracy_level=4)
        quantizer.process()
        onnx.save(quantizer.model.model, target)

    return quantize


def ours_static(source: Path, target: Path, batches: Batches) -> None:
    """Take our int8 graph and replace the scale of each token by one for all, the largest that the given texts need."""
    model = ir.load(source)
    nodes = [node for node in model.graph if node.op_type == "QuantizeLinear"]
    scales = [_scale(node) for node in nodes]
    largest = _largest(model, scales, batches)
    tape = GraphTape(model.graph, before=next(iter(model.graph)))
    for node, scale, value in zip(nodes, scales, largest, strict=True):
        node.replace_input_with(1, tape.constant(np.float32(value), f"{scale.name}.scalar"))
        node.replace_input_with(2, tape.constant(np.uint8(128), "static_zero_point"))
        dims = 3 if any(user.op_type == "Squeeze" for user in scale.consumers()) else 2
        constant = tape.constant(np.full((1,) * dims, value, np.float32), f"{scale.name}.static")
        ir.convenience.replace_all_uses_with(scale, constant)
    finish(model)
    ir.save(model, target)


def _scale(node: ir.Node) -> ir.Value:
    rows = node.inputs[1]
    producer = rows.producer() if rows is not None else None
    assert producer is not None, "a scale that is not computed"
    assert producer.inputs[0] is not None
    return producer.inputs[0]


def _largest(model: ir.Model, scales: Sequence[ir.Value], batches: Batches) -> NDArray[np.float32]:
    probe = onnx.load_from_string(ir.to_proto(model).SerializeToString())
    names = [str(scale.name) for scale in scales]
    del probe.graph.output[:]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names))
    session = onnxruntime.InferenceSession(probe.SerializeToString(), providers=["CPUExecutionProvider"])
    runs = [dict(zip(dict.fromkeys(names), session.run(None, dict(batch)), strict=True)) for batch in batches]
    return np.array([max(run[name].max() for run in runs) for name in names], np.float32)


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Hands out one batch after the other."""

    def __init__(self, batches: Batches) -> None:
        self._left: Iterator[Any] = iter(batches)

    def get_next(self) -> Any:
        return next(self._left, None)


logging.getLogger().setLevel(logging.ERROR)  # the tools tell of every product
