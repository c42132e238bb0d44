"""The SPLADE head: hidden states to one weight per vocabulary entry, never as `[batch, sequence, vocab]`.

    hidden float32 [batch, sequence, hidden]  ->  sentence_embedding float32 [batch, vocab]

The vocabulary projection is written block by block, each block followed by its reduction over the sequence. For max
pooling everything monotone waits until after the maximum: bias, relu, log1p, and in int8 all scales.
Formulas: SPLADE v2 (arXiv 2109.10086), log1p_relu (arXiv 2504.14839), as sentence-transformers' SpladePooling has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from sparse_client.bundle.facts import TowerFacts
from sparse_export.graph import sparse_output, token_decoder
from sparse_export.graph.projection import Matrix, projection
from sparse_export.graph.tape import GraphTape
from sparse_export.options import Cpu, Output, Precision

# Columns of one block: its products of a batch stay in the second-level cache (measured: benchmarks/, DESIGN 5).
BLOCK = 480
LOWEST = -1e30  # of a logit
ACTIVATIONS = {"relu": 1, "log1p_relu": 2}  # how many times log1p is applied after relu


@dataclass(frozen=True, slots=True)
class VocabularyHead:
    """A vocabulary projection and how its logits become weights.

    Attributes:
        weight: float32 `[hidden, columns]`.
        bias: float32 `[columns]`.
        pooling: `max` or `sum`, over the sequence.
        activation: One of `ACTIVATIONS`.
        columns: int32 `[columns]`, rising: the vocabulary entry of each column where some have none, else None.
        dropped: Number of vocabulary entries without a column.
    """

    weight: np.ndarray
    bias: np.ndarray
    pooling: str
    activation: str
    columns: np.ndarray | None = None
    dropped: int = 0

    @property
    def per_text(self) -> bool:
        """In int8 its states have one scale per text."""
        return True

    @property
    def dimension(self) -> int:
        """Number of vocabulary entries."""
        return self.width + self.dropped

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.weight.shape[1])

    def without(self, dimensions: Sequence[int]) -> VocabularyHead:
        """Return the head with logits so low in these dimensions that their weight is 0, of one that has them all."""
        if not dimensions:
            return self
        weight, bias = self.weight.copy(), self.bias.copy()
        weight[:, dimensions], bias[dimensions] = 0.0, LOWEST
        return replace(self, weight=weight, bias=bias)

    def pruned(self, columns: np.ndarray) -> VocabularyHead:
        """Return the head with these columns, int32 and rising, of one that has them all."""
        weight, bias = np.ascontiguousarray(self.weight[:, columns]), self.bias[columns]
        return replace(self, weight=weight, bias=bias, columns=columns, dropped=self.width - len(columns))

    @property
    def relu_bias(self) -> np.ndarray:
        """The decoder's bias."""
        return self.bias

    def facts(self) -> TowerFacts:
        """Return what the manifest says about it."""
        return TowerFacts(pooling=self.pooling, activation=self.activation)

    def decoder(self, labels: Sequence[str], opset: int) -> ir.Model:
        """Return decode.onnx: the label of each dimension."""
        return token_decoder.build(labels, opset)

    def attach(self, model: ir.Model, precision: Precision, cpu: Cpu = Cpu.ANY) -> None:
        """Replace the outputs of a backbone, hidden states and mask, by `sentence_embedding` of all columns."""
        tape = GraphTape(model.graph)
        hidden, mask = model.graph.outputs
        states = _without_padding(tape, hidden, mask)
        pool = {"max": self._max_pool, "sum": self._sum_pool}[self.pooling]
        weights = pool(tape, states, mask, Matrix(self.weight, precision, cpu))
        # 0 for a row with nothing unmasked: its vector is empty.
        seen = tape.op("ReduceMax", mask, tape.constant([1], "axis_1"), keepdims=1)
        embedding = tape.op("Mul", weights, tape.op("Cast", seen, to=ir.DataType.FLOAT))
        embedding.name, embedding.dtype = "sentence_embedding", ir.DataType.FLOAT
        embedding.shape = ir.Shape(["batch", self.width])
        model.graph.outputs.clear()
        model.graph.outputs.append(embedding)

    def finish(self, model: ir.Model, form: Output, max_active_dims: int | None) -> None:
        """Replace `sentence_embedding` by sorted pairs, or limit it."""
        sparse_output.finish(model, form, max_active_dims, self.columns)

    def _blocks(self) -> list[slice]:
        edges = [*range(0, self.width, BLOCK), self.width]
        return [slice(*edge) for edge in zip(edges, edges[1:], strict=False)]

    def _max_pool(self, tape: GraphTape, states: ir.Value, mask: ir.Value, matrix: Matrix) -> ir.Value:
        del mask  # padding holds a copy of an unmasked state
        # ONNX Runtime's maximum over a text that is alone in its batch is 4 times slower than over its two halves.
        project = projection(tape, states, matrix, halved=True)
        axis = tape.constant([1], "axis_1")
        pooled = [tape.op("ReduceMax", project.products(block), axis, keepdims=0) for block in self._blocks()]
        shape = tape.constant([-1, 2, self.width], "halves")
        halves = tape.op("Reshape", tape.op("Concat", *pooled, axis=1), shape)
        products = tape.op("ReduceMax", halves, axis, keepdims=0)
        largest = project.logits(products, slice(0, self.width), pooled=True)
        return self._activate(tape, tape.op("Add", largest, tape.constant(self.bias, "head.bias")))

    def _sum_pool(self, tape: GraphTape, states: ir.Value, mask: ir.Value, matrix: Matrix) -> ir.Value:
        project = projection(tape, states, matrix)
        axis = tape.constant([1], "axis_1")
        seen = tape.op("Unsqueeze", tape.op("Cast", mask, to=ir.DataType.FLOAT), tape.constant([2], "axis_2"))
        pooled = []
        for block in self._blocks():
            logits = project.logits(project.products(block), block, pooled=False)
            biased = tape.op("Add", logits, tape.constant(self.bias[block], f"head.{block.start}.bias"))
            pooled.append(tape.op("ReduceSum", tape.op("Mul", self._activate(tape, biased), seen), axis, keepdims=0))
        return tape.op("Concat", *pooled, axis=1)

    def _activate(self, tape: GraphTape, logits: ir.Value) -> ir.Value:
        weights = tape.op("Relu", logits)
        for _ in range(ACTIVATIONS[self.activation]):
            weights = tape.op("Log", tape.op("Add", weights, tape.constant(np.float32(1.0), "one")))
        return weights


def _without_padding(tape: GraphTape, hidden: ir.Value, mask: ir.Value) -> ir.Value:
    """Put the row's first unmasked state in every padded position: neither its maximum nor its int8 scale changes."""
    # int32: ONNX Runtime 1.19, in Triton 24.10, has no ArgMax of int64.
    first = tape.op("ArgMax", tape.op("Cast", mask, to=ir.DataType.INT32), axis=1, keepdims=1)
    state = tape.op("GatherND", hidden, first, batch_dims=1)
    shown = tape.op("Cast", tape.op("Unsqueeze", mask, tape.constant([2], "axis_2")), to=ir.DataType.BOOL)
    return tape.op("Where", shown, hidden, tape.op("Unsqueeze", state, tape.constant([1], "axis_1")))
