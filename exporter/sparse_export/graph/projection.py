"""A constant `[hidden, columns]` matrix applied to hidden states, some columns at a time, in a given precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx_ir as ir

from sparse_export.graph.quantized import QuantizedStates, column_scales, quantize_columns
from sparse_export.graph.tape import GraphTape
from sparse_export.options import Cpu, Precision


@dataclass(frozen=True, slots=True)
class Matrix:
    """The second factor of products, and how they are computed.

    Attributes:
        weight: float32 `[hidden, columns]`.
        precision: Of the products.
        cpu: In int8, the processors that they are for.
    """

    weight: np.ndarray
    precision: Precision
    cpu: Cpu


class Projection(Protocol):
    """Products of states and columns, and what makes logits of them; a maximum may come in between."""

    def products(self, columns: slice) -> ir.Value:
        """Return `[batch, sequence, columns]` in whatever type the product has."""
        ...

    def logits(self, products: ir.Value, columns: slice, *, pooled: bool) -> ir.Value:
        """Return float32 of products `[batch, sequence, columns]`, or `[batch, columns]` where they are pooled."""
        ...


def projection(tape: GraphTape, states: ir.Value, matrix: Matrix, *, halved: bool = False) -> Projection:
    """Return the projection of `states` `[batch, sequence, hidden]` by a matrix.

    Args:
        tape: Where to write.
        states: The hidden states.
        matrix: The matrix.
        halved: Give the products of each text in two rows, `[2 batch, sequence / 2, columns]`; logits stay as they are.
    """
    weight = matrix.weight
    if matrix.precision is not Precision.INT8:
        return _Float(tape, _halves(tape, states, len(weight)) if halved else states, weight, matrix.precision)
    quantized = QuantizedStates.per_text(tape, states)
    if halved:  # what is quantized is a quarter of the size, and both halves have the scale of their text
        quantized = QuantizedStates(_halves(tape, quantized.values, len(weight)), quantized.scale)
    return _Int8(tape, quantized, weight, column_scales(weight, matrix.cpu))


def _halves(tape: GraphTape, states: ir.Value, hidden: int) -> ir.Value:
    """Return `[2 batch, sequence / 2, hidden]`; of an odd number of states the first comes twice."""
    axis, two = tape.constant([1], "axis_1"), tape.constant([2], "two_rows")
    length = tape.op("Shape", states, start=1, end=2)
    odd = tape.op("Mod", length, two)
    first = tape.op("Slice", states, tape.constant([0], "start"), odd, axis)
    even = tape.op("Concat", first, states, axis=1)
    half = tape.op("Div", tape.op("Add", length, odd), two)
    shape = tape.op("Concat", tape.constant([-1], "flat"), half, tape.constant([hidden], "hidden_size"), axis=0)
    return tape.op("Reshape", even, shape)


@dataclass(frozen=True, slots=True)
class _Float:
    tape: GraphTape
    states: ir.Value
    weight: np.ndarray
    precision: Precision

    def products(self, columns: slice) -> ir.Value:
        weight, name = np.ascontiguousarray(self.weight[:, columns]), f"head.{columns.start}.weight"
        if self.precision is Precision.FP16:  # the reductions that follow are float32
            products = self.tape.op("MatMul", self.states, self.tape.constant(weight.astype(np.float16), name))
            return self.tape.op("Cast", products, to=ir.DataType.FLOAT)
        return self.tape.op("MatMul", self.states, self.tape.constant(weight, name))

    def logits(self, products: ir.Value, columns: slice, *, pooled: bool) -> ir.Value:
        del columns, pooled
        return products


@dataclass(frozen=True, slots=True)
class _Int8:
    tape: GraphTape
    states: QuantizedStates
    weight: np.ndarray
    scales: np.ndarray

    def products(self, columns: slice) -> ir.Value:
        weight = quantize_columns(self.weight[:, columns], self.scales[columns])
        return self.states.matmul(self.tape, weight, f"head.{columns.start}")

    def logits(self, products: ir.Value, columns: slice, *, pooled: bool) -> ir.Value:
        states = self.states.pooled(self.tape) if pooled else self.states
        return states.dequantize(self.tape, products, self.scales[columns], f"head.{columns.start}")
