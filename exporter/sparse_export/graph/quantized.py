"""int8 products with one activation scale per row, so that no row depends on its neighbours in the batch.

Activations are uint8 around 128 (signed times signed takes a path many times slower in ONNX Runtime), symmetric, and
quantized as the text runs; weights are int8 with one symmetric scale per output column.

On x86 with AVX2 and without VNNI the products of rows 0 and 1, 2 and 3 and so on are summed in 16 bits, which saturate
at 32,767. `Cpu.ANY` keeps every such sum below that: of the weights of a pair that have the same sign, the sum is at
most 128 steps, and 128 times the largest activation, 255, is 32,640.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from sparse_export.graph.tape import GraphTape
from sparse_export.options import Cpu

LEVELS = 127  # of a symmetric int8
ZERO_POINT = np.uint8(128)
TINY = np.float32(1e-12)  # keeps the scale of an all-zero row or column from being 0


def column_scales(weight: np.ndarray, cpu: Cpu) -> np.ndarray:
    """Return float32 `[columns]`: the step of the int8 grid of each column of `weight` `[rows, columns]`."""
    # Two weights that sum to 127 steps sum to 128 at most when they are rounded.
    largest = np.abs(weight).max(axis=0) if cpu is Cpu.VNNI else _largest_pairs(weight)
    return np.maximum(largest, TINY).astype(np.float32) / np.float32(LEVELS)


def _largest_pairs(weight: np.ndarray) -> np.ndarray:
    """Return `[columns]`: the largest sum of the same sign in rows 0 and 1, 2 and 3, ...; an odd one is alone."""
    pairs = range(0, len(weight), 2)
    above, below = (np.add.reduceat(np.maximum(part, 0), pairs, axis=0).max(axis=0) for part in (weight, -weight))
    return np.maximum(above, below)


def quantize_columns(weight: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return int8 of the shape of `weight`, rounded to the grid of each column."""
    return np.clip(np.rint(weight / scales), -LEVELS, LEVELS).astype(np.int8)


@dataclass(frozen=True, slots=True)
class QuantizedStates:
    """uint8 activations in the graph and their scale per row.

    Attributes:
        values: uint8, the shape of what was quantized.
        scale: float32, one per row, in a shape that broadcasts over the products.
    """

    values: ir.Value
    scale: ir.Value

    @classmethod
    def per_text(cls, tape: GraphTape, states: ir.Value) -> QuantizedStates:
        """Quantize `[batch, sequence, hidden]` with one scale per text, which commutes with a maximum over it."""
        return cls._quantize(tape, states, tape.constant([1, 2], "axes_1_2"))

    @classmethod
    def per_token(cls, tape: GraphTape, states: ir.Value) -> QuantizedStates:
        """Quantize `[tokens, hidden]` with one scale per token."""
        return cls._quantize(tape, states, tape.constant([1], "axis_1"))

    @classmethod
    def _quantize(cls, tape: GraphTape, states: ir.Value, axes: ir.Value) -> QuantizedStates:
        largest = tape.op("ReduceMax", tape.op("Abs", states), axes, keepdims=1)
        step = tape.op("Mul", largest, tape.constant(np.float32(1 / LEVELS), "int8_step"))
        scale = tape.op("Max", step, tape.constant(TINY, "tiny"))
        rows = tape.op("Reshape", scale, tape.constant([-1], "flat"))
        zeros = tape.op("Expand", tape.constant(ZERO_POINT, "zero_point"), tape.op("Shape", rows))
        return cls(tape.op("QuantizeLinear", states, rows, zeros, axis=0), scale)

    def matmul(self, tape: GraphTape, weight: np.ndarray, name: str) -> ir.Value:
        """Return the int32 products with a constant int8 `[hidden, columns]`."""
        zero_point = tape.constant(ZERO_POINT, "zero_point")
        return tape.op("MatMulInteger", self.values, tape.constant(weight, f"{name}.weight"), zero_point)

    def dequantize(self, tape: GraphTape, products: ir.Value, scales: np.ndarray, name: str) -> ir.Value:
        """Return float32 from int32 products `[rows, ..., columns]` whose columns have the weight scales `scales`."""
        columns = tape.op(
            "Mul", tape.op("Cast", products, to=ir.DataType.FLOAT), tape.constant(scales, f"{name}.scale")
        )
        return tape.op("Mul", columns, self.scale)

    def pooled(self, tape: GraphTape) -> QuantizedStates:
        """Return the same rows after a reduction over the sequence: the scale loses that axis."""
        return QuantizedStates(self.values, tape.op("Squeeze", self.scale, tape.constant([2], "axis_2")))
