"""The sparse autoencoder of CSR: a dense embedding to its strongest features, and back.

    hidden float32 [batch, dim]  ->  sentence_embedding float32 [batch, features]
    indices int32, values float32 [batch, active]  ->  embedding float32 [batch, dim]

Formulas: CSR (arXiv 2503.01776) as sentence-transformers' SparseAutoEncoder has them. It takes the k largest
pre-activations and then relu; the k largest after relu are the same features, but for zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from sparse_client.bundle.facts import Autoencoder, TowerFacts
from sparse_export.graph import sparse_output
from sparse_export.graph.quantized import QuantizedStates, column_scales, quantize_columns
from sparse_export.graph.tape import GraphTape, finish
from sparse_export.options import Cpu, Output, Precision

EPSILON = np.float32(1e-5)  # added to the standard deviation, not to the variance


def embedding_input(dim: int, opset: int) -> ir.Model:
    """Return a graph without a node: `embedding` float32 `[batch, dim]` is its input and its output."""
    embedding = ir.Value(name="embedding", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["batch", dim]))
    graph = ir.Graph([embedding], [embedding], nodes=[], opset_imports={"": opset}, name="document")
    return ir.Model(graph, ir_version=10, producer_name="sparse-export")


@dataclass(frozen=True, slots=True)
class FeatureHead:
    """A sparse autoencoder.

    Attributes:
        weight: float32 `[dim, features]` of the encoder; the decoder is its transpose.
        pre_bias: float32 `[dim]`, taken off before encoding and added after decoding.
        bias: float32 `[features]`.
        normalize: The embedding is brought to mean 0 and (unbiased) standard deviation 1 first.
        dead: Number of features that were not active for so long in training that they count as dead.
    """

    weight: np.ndarray
    pre_bias: np.ndarray
    bias: np.ndarray
    normalize: bool
    dead: int = 0

    @property
    def per_text(self) -> bool:
        """In int8 each row of its input has a scale of its own anyway."""
        return False

    @property
    def columns(self) -> None:
        """Each dimension has one."""

    @property
    def dimension(self) -> int:
        """Number of features."""
        return int(self.weight.shape[1])

    @property
    def relu_bias(self) -> None:
        """None: the largest features stay, whatever their sign before."""
        return None

    def facts(self) -> TowerFacts:
        """Return what the manifest says about it."""
        space = "normalized embedding (mean 0, standard deviation 1)" if self.normalize else "embedding"
        return TowerFacts(autoencoder=Autoencoder(self.weight.shape[0], self.normalize, space, self.dead))

    def attach(self, model: ir.Model, precision: Precision, cpu: Cpu = Cpu.ANY) -> None:
        """Replace the outputs of a backbone by `sentence_embedding`, the activations of all features."""
        tape = GraphTape(model.graph)
        states = model.graph.outputs[0]
        if precision is Precision.FP16:
            states = tape.op("Cast", states, to=ir.DataType.FLOAT)
        if self.normalize:
            states = self._normalize(tape, states)
        centred = tape.op("Sub", states, tape.constant(self.pre_bias, "autoencoder.pre_bias"))
        products = self._project(tape, centred, precision, cpu)
        logits = tape.op("Add", products, tape.constant(self.bias, "autoencoder.bias"))
        embedding = tape.op("Relu", logits)
        embedding.name, embedding.type = "sentence_embedding", ir.TensorType(ir.DataType.FLOAT)
        embedding.shape = ir.Shape(["batch", self.dimension])
        model.graph.outputs.clear()
        model.graph.outputs.append(embedding)

    def finish(self, model: ir.Model, form: Output, max_active_dims: int | None) -> None:
        """Replace `sentence_embedding` by sorted pairs, or limit it."""
        sparse_output.finish(model, form, max_active_dims, self.columns)

    def decoder(self, _labels: Sequence[str], opset: int) -> ir.Model:
        """Return decode.onnx, to the embedding: features have no labels.

        It gathers the rows of the active features, and never builds the dense code.
        """
        shape = ir.Shape(["batch", "active"])
        indices = ir.Value(name="indices", type=ir.TensorType(ir.DataType.INT32), shape=shape)
        values = ir.Value(name="values", type=ir.TensorType(ir.DataType.FLOAT), shape=shape)
        graph = ir.Graph([indices, values], [], nodes=[], opset_imports={"": opset}, name="decode")
        tape = GraphTape(graph)
        # Padding has value 0, so the row that its index -1 names, the last, adds nothing.
        rows = tape.op("Gather", tape.constant(np.ascontiguousarray(self.weight.T), "decoder.weight"), indices)
        weighted = tape.op("MatMul", tape.op("Unsqueeze", values, tape.constant([1], "axis_1")), rows)
        decoded = tape.op("Squeeze", weighted, tape.constant([1], "axis_1"))
        embedding = tape.op("Add", decoded, tape.constant(self.pre_bias, "decoder.bias"))
        embedding.name, embedding.type = "embedding", ir.TensorType(ir.DataType.FLOAT)
        embedding.shape = ir.Shape(["batch", self.weight.shape[0]])
        graph.outputs.append(embedding)
        model = ir.Model(graph, ir_version=10, producer_name="sparse-export")
        finish(model)
        return model

    def _normalize(self, tape: GraphTape, states: ir.Value) -> ir.Value:
        axis = tape.constant([1], "axis_1")
        centred = tape.op("Sub", states, tape.op("ReduceMean", states, axis, keepdims=1))
        unbiased = tape.constant(np.float32(1 / (self.weight.shape[0] - 1)), "unbiased")
        variance = tape.op("Mul", tape.op("ReduceSumSquare", centred, axis, keepdims=1), unbiased)
        return tape.op("Div", centred, tape.op("Add", tape.op("Sqrt", variance), tape.constant(EPSILON, "epsilon")))

    def _project(self, tape: GraphTape, states: ir.Value, precision: Precision, cpu: Cpu) -> ir.Value:
        if precision is Precision.FP16:
            weight = tape.constant(self.weight.astype(np.float16), "autoencoder.weight")
            products = tape.op("MatMul", tape.op("Cast", states, to=ir.DataType.FLOAT16), weight)
            return tape.op("Cast", products, to=ir.DataType.FLOAT)
        if precision is Precision.FP32:
            return tape.op("MatMul", states, tape.constant(np.ascontiguousarray(self.weight), "autoencoder.weight"))
        scales = column_scales(self.weight, cpu)
        quantized = QuantizedStates.per_token(tape, states)
        products = quantized.matmul(tape, quantize_columns(self.weight, scales), "autoencoder")
        return quantized.dequantize(tape, products, scales, "autoencoder")
