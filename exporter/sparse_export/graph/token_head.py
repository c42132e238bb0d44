"""The token-weights head: hidden states to a weight for each token id of the text, never as `[batch, vocab]`.

    hidden float32 [batch, sequence, hidden]  ->  token_ids int64, token_weights float32, [batch, sequence]

Ids rise along a row. Of the places with the same id the first has its largest weight, the others have 0; so have
padding and the ids that are dropped. Formula: BGE-M3 (arXiv 2402.03216), as `checkpoint.token_weights` has it in torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from sparse_client.bundle.facts import TowerFacts
from sparse_client.bundle.outputs import DENSE
from sparse_export.graph import sparse_output, token_decoder
from sparse_export.graph.tape import GraphTape
from sparse_export.options import Cpu, Output, Precision

EPSILON = np.float32(1e-12)  # the least norm that the dense embedding is divided by, as torch's normalize has it


@dataclass(frozen=True, slots=True)
class TokenHead:
    """One linear layer that gives each token a weight; it stays in float32, as it costs nothing.

    Attributes:
        linear: float32 `[hidden, 1]`.
        bias: float32 `[1]`.
        dimension: Number of ids.
        dropped: Ids without a weight.
        with_dense: The graph also gives `dense`, float32 `[batch, hidden]`: the first state, of length 1.
    """

    linear: np.ndarray
    bias: np.ndarray
    dimension: int
    dropped: tuple[int, ...]
    with_dense: bool = False

    @property
    def weight(self) -> None:
        """There is no product that int8 would make smaller."""

    @property
    def columns(self) -> None:
        """Each dimension is an id."""

    @property
    def per_text(self) -> bool:
        """It has no states in int8."""
        return False

    @property
    def relu_bias(self) -> None:
        """None: its product stays in float."""
        return None

    def facts(self) -> TowerFacts:
        """Return what the manifest says about it."""
        return TowerFacts(pooling="max", dense_dim=len(self.linear) if self.with_dense else None)

    def decoder(self, labels: Sequence[str], opset: int) -> ir.Model:
        """Return decode.onnx: the label of each dimension."""
        return token_decoder.build(labels, opset)

    def attach(self, model: ir.Model, precision: Precision, cpu: Cpu = Cpu.ANY) -> None:
        """Replace hidden states and mask by `token_ids` and `token_weights`, and perhaps `dense`."""
        del cpu
        tape = GraphTape(model.graph)
        hidden, mask = model.graph.outputs
        states = tape.op("Cast", hidden, to=ir.DataType.FLOAT) if precision is Precision.FP16 else hidden
        ids = _as_long_as(tape, model.graph.inputs[0], mask)
        weights = self._weights(tape, states, ids, mask)
        dense = [_first_state(tape, states, mask)] if self.with_dense else []
        for value in dense:
            value.shape = ir.Shape(["batch", len(self.linear)])
        model.graph.outputs[:] = [*_largest_by_id(tape, ids, weights), *dense]

    def finish(self, model: ir.Model, form: Output, max_active_dims: int | None) -> None:
        """Write the outputs of the graph: sorted pairs, or a row of all ids."""
        tape = GraphTape(model.graph)
        ids, weights, *dense = model.graph.outputs
        if form is Output.SPARSE:
            sparse_output.write_pairs(tape, weights, ids, max_active_dims)
            model.graph.outputs.extend(dense)
            return
        batch = tape.op("Shape", ids, start=0, end=1)
        shape = tape.op("Concat", batch, tape.constant([self.dimension], "dimension"), axis=0)
        zeros = tape.op("Expand", tape.constant(np.float32(0.0), "zero"), shape)
        # An id has a weight in one place only, so that a sum is that weight.
        row = tape.op("ScatterElements", zeros, ids, weights, axis=1, reduction="add")
        row.name, row.type = "sentence_embedding", ir.TensorType(ir.DataType.FLOAT)
        row.shape = ir.Shape(["batch", self.dimension])
        model.graph.outputs[:] = [row]
        if max_active_dims is not None:
            sparse_output.limit_dense(model, max_active_dims)

    def _weights(self, tape: GraphTape, states: ir.Value, ids: ir.Value, mask: ir.Value) -> ir.Value:
        linear = tape.constant(np.ascontiguousarray(self.linear), "token_weights.weight")
        products = tape.op("MatMul", states, linear)
        logits = tape.op("Squeeze", products, tape.constant([2], "axis_2"))
        weights = tape.op("Relu", tape.op("Add", logits, tape.constant(self.bias, "token_weights.bias")))
        shown = tape.op("Cast", mask, to=ir.DataType.BOOL)
        for dropped in self.dropped:
            other = tape.op("Not", tape.op("Equal", ids, tape.constant(np.int64(dropped), f"dropped_{dropped}")))
            shown = tape.op("And", shown, other)
        return tape.op("Where", shown, weights, tape.constant(np.float32(0.0), "zero"))


def _as_long_as(tape: GraphTape, ids: ir.Value, mask: ir.Value) -> ir.Value:
    """Return the ids padded to the length of the mask, which has a position even where the text has none."""
    lacking = tape.op("Sub", tape.op("Shape", mask, start=1), tape.op("Shape", ids, start=1))
    return tape.op("Pad", ids, tape.op("Concat", tape.constant([0, 0, 0], "pads"), lacking, axis=0))


def _largest_by_id(tape: GraphTape, ids: ir.Value, weights: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Return ids and weights sorted by id; of each id only its first place has a weight, the largest."""
    length = tape.op("Shape", ids, start=1)
    falling, order = tape.ops("TopK", weights, length, axis=1)
    by_weight = tape.op("GatherElements", ids, order, axis=1)
    count = tape.op("Squeeze", length)
    zero, one = tape.constant(np.int64(0), "rank_0"), tape.constant(np.int64(1), "rank_1")
    keys = tape.op("Add", tape.op("Mul", by_weight, count), tape.op("Range", zero, count, one))
    rising, order = tape.ops("TopK", keys, length, axis=1, largest=0)  # by id, the largest weight of an id first
    sorted_ids, largest = tape.op("Div", rising, count), tape.op("GatherElements", falling, order, axis=1)
    shifted = tape.constant([0, 1, 0, -1], "one_to_the_right")
    before = tape.op("Pad", sorted_ids, shifted, tape.constant(np.int64(-1), "no_id"))
    repeated = tape.op("Equal", sorted_ids, before)
    return sorted_ids, tape.op("Where", repeated, tape.constant(np.float32(0.0), "zero"), largest)


def _first_state(tape: GraphTape, states: ir.Value, mask: ir.Value) -> ir.Value:
    """Return the first state of each text that is not padding, divided by its length."""
    # int32: ONNX Runtime 1.19, in Triton 24.10, has no ArgMax of int64.
    first = tape.op("ArgMax", tape.op("Cast", mask, to=ir.DataType.INT32), axis=1, keepdims=1)
    state = tape.op("GatherND", states, first, batch_dims=1)
    norm = tape.op("ReduceL2", state, tape.constant([1], "axis_1"), keepdims=1)
    dense = tape.op("Div", state, tape.op("Max", norm, tape.constant(EPSILON, "epsilon")))
    dense.name, dense.type = DENSE, ir.TensorType(ir.DataType.FLOAT)
    return dense
