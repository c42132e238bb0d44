"""A constant `[hidden, columns]` matrix applied to hidden states, some columns at a time, in a given precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnx_ir as ir

from sparse_export.graph.quantized import QuantizedStates, column_scales, quantize_columns
from sparse_export.graph.tape import GraphTape
from sparse_export.options import Precision


class Projection(Protocol):
    """Products of states and columns, and what makes logits of them; a maximum may come in between."""

    def products(self, columns: slice) -> ir.Value:
        """Return `[batch, sequence, columns]` in whatever type the product has."""
        ...

    def logits(self, products: ir.Value, columns: slice, *, pooled: bool) -> ir.Value:
        """Return float32 of products `[batch, sequence, columns]`, or `[batch, columns]` where they are pooled."""
        ...


def projection(tape: GraphTape, states: ir.Value, weight: np.ndarray, precision: Precision) -> Projection:
    """Return the projection of `states` `[batch, sequence, hidden]` by `weight` float32 `[hidden, columns]`."""
    if precision is Precision.INT8:
        return _Int8(tape, QuantizedStates.per_text(tape, states), weight, column_scales(weight))
    return _Float(tape, states, weight, precision)


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
