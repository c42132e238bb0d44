"""From a transformers model to an ONNX graph of its hidden states.

    input_ids, attention_mask int64 [batch, sequence]
        ->  hidden float32 [batch, sequence', hidden], mask int64 [batch, sequence'], sequence' = max(sequence, 1)

The vocabulary decoder is left out: `graph.head` writes it block by block.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import onnx_ir as ir
import torch
from transformers import PreTrainedModel

from sparse_client.errors import one_line
from sparse_export.errors import UnsupportedCheckpointError
from sparse_export.graph import attention, decoder, older_runtimes
from sparse_export.graph.backbones import Backbone
from sparse_export.graph.tape import GraphTape, constant_of


class LogitStates(torch.nn.Module):
    """A masked language model; while it is traced its "logits" are the states before the decoder."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self.token_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the logits, float32 `[batch, sequence, vocab]`, of int64 `[batch, sequence]`."""
        extra = {"token_type_ids": torch.zeros_like(input_ids)} if self.token_types else {}
        return self.model(input_ids=input_ids, attention_mask=attention_mask, **extra).logits


class HiddenStates(torch.nn.Module):
    """A model without a head: its last hidden states."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the states, float32 `[batch, sequence, hidden]`, of int64 `[batch, sequence]`."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class ModuleStates(torch.nn.Module):
    """sentence-transformers' own modules in a row, up to a dense embedding: their poolings are traced as they are."""

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        super().__init__()
        self.sequence = torch.nn.ModuleList(modules)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the embeddings, float32 `[batch, dim]`, of int64 `[batch, sequence]`."""
        features: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask, "modality": "text"}
        for module in self.sequence:
            features = module(features)
        return features["sentence_embedding"]


def trace(states: torch.nn.Module, model: PreTrainedModel, backbone: Backbone, opset: int) -> ir.Model:
    """Trace token ids to states.

    Args:
        states: `input_ids`, `attention_mask` -> float32 `[batch, sequence, hidden]` or `[batch, hidden]`.
        model: The transformers model in it.
        backbone: How this model is traced.
        opset: The ONNX opset to write.

    Returns:
        A model with inputs `input_ids`, `attention_mask`; outputs hidden states and the mask that belongs to them.

    Raises:
        UnsupportedCheckpointError: The model's code cannot be traced.
    """
    with _as_traceable(model, backbone), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = _exported(states.eval(), opset)
        except Exception as error:  # torch raises whatever a model's code makes it raise
            raise UnsupportedCheckpointError(
                f"torch cannot trace {type(model).__name__} to a graph: {one_line(_cause(error))}"
            ) from error
    assert program is not None
    older_runtimes.narrow(program.model)
    _at_least_one_position(program.model.graph)
    _name_products(program.model.graph)
    for node in list(program.model.graph):
        _try_gemm(program.model.graph, node)
    return program.model


def _exported(states: torch.nn.Module, opset: int) -> torch.onnx.ONNXProgram | None:
    # Two rows of different length, so that no dimension and no mask is taken for a constant.
    input_ids = torch.full((2, 7), 5)
    attention_mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    return torch.onnx.export(
        states,
        (input_ids, attention_mask),
        dynamo=True,
        opset_version=opset,
        input_names=["input_ids", "attention_mask"],
        output_names=["hidden"],
        dynamic_shapes={"input_ids": free, "attention_mask": free},
        verbose=False,
    )


def _cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _at_least_one_position(graph: ir.Graph) -> None:
    """Pad an empty sequence to one masked position: attention and maximum have nothing to say of no position."""
    tape = GraphTape(graph, before=next(iter(graph)))
    length = tape.op("Shape", graph.inputs[0], start=1)
    lacking = tape.op("Max", tape.op("Sub", tape.constant([1], "axis_1"), length), tape.constant([0], "none"))
    pads = tape.op("Concat", tape.constant([0, 0, 0], "pads"), lacking, axis=0)
    for value in graph.inputs:
        value.shape = ir.Shape(["batch", "sequence"])  # the tracer has names like s43
        uses = [(node, index) for node, index in value.uses() if node.outputs[0] is not length]
        padded = tape.op("Pad", value, pads)
        padded.type = value.type
        for node, index in uses:
            node.replace_input_with(index, padded)
    graph.outputs.append(padded)


@contextlib.contextmanager
def _as_traceable(model: PreTrainedModel, backbone: Backbone) -> Iterator[None]:
    """Swap attention and decoder for the time of the trace, and put both back."""
    attention.register()
    before = model.config._attn_implementation
    model.set_attn_implementation(attention.NAME if backbone.fused_attention else "eager")
    try:
        with decoder.left_out(model):
            yield
    finally:
        model.set_attn_implementation(before)


def _name_products(graph: ir.Graph) -> None:
    """Call each product after its module, so that a report of what stayed in float can be read."""
    times: Counter[str] = Counter()
    for node in graph:
        scopes = node.metadata_props.get("pkg.torch.onnx.name_scopes")
        if node.op_type not in ("MatMul", "Gemm") or scopes is None:
            continue
        module = ast.literal_eval(scopes)[-2].partition(".")[2]  # without the wrapper's attribute
        times[module] += 1
        if module:  # one that is used by several layers has a number
            node.name = module if times[module] == 1 else f"{module}.{times[module]}"


def _try_gemm(graph: ir.Graph, node: ir.Node) -> bool:
    """Write Gemm(x, W, b) as MatMul and Add: int8 and its count look for MatMul."""
    weight = constant_of(node.inputs[1]) if node.op_type == "Gemm" else None
    if weight is None or any(node.attributes.get_float(name, 1.0) != 1.0 for name in ("alpha", "beta")):
        return False
    if node.attributes.get_int("transA", 0):
        return False
    tape = GraphTape(graph, before=node)
    matrix = weight.T.copy() if node.attributes.get_int("transB", 0) else weight
    output = tape.op("MatMul", node.inputs[0], tape.constant(matrix, f"{node.name}.weight"))
    output.producer().name = node.name  # type: ignore[union-attr]
    if len(node.inputs) > 2:
        output = tape.op("Add", output, node.inputs[2])
    output.type, output.shape = node.outputs[0].type, node.outputs[0].shape
    ir.convenience.replace_all_uses_with(node.outputs[0], output, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    return True
