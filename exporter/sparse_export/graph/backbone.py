"""From a transformers model to an ONNX graph of its hidden states.

    input_ids, attention_mask int64 [batch, sequence]
        ->  hidden float32 [batch, sequence', hidden], mask int64 [batch, sequence'], sequence' = max(sequence, 1)

The vocabulary decoder is left out: `graph.head` writes it block by block.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Iterator

import onnx_ir as ir
import torch
from transformers import PreTrainedModel

from sparse_export.backbones import Backbone
from sparse_export.graph import attention
from sparse_export.graph.tape import GraphTape


class _PassThrough(torch.nn.Module):
    """Stands where the decoder was; some setters of output embeddings read `.bias` of the replacement."""

    def __init__(self, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.bias = bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


class _States(torch.nn.Module):
    def __init__(self, model: PreTrainedModel, output: str) -> None:
        super().__init__()
        self.model, self.output = model, output
        self.token_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        extra = {"token_type_ids": torch.zeros_like(input_ids)} if self.token_types else {}
        return self.model(input_ids=input_ids, attention_mask=attention_mask, **extra)[self.output]


def trace(model: PreTrainedModel, backbone: Backbone, output: str, opset: int) -> ir.Model:
    """Trace the states before the vocabulary decoder (`output="logits"`) or the last hidden states.

    Args:
        model: A masked language model (`logits`) or an encoder (`last_hidden_state`), in eval mode.
        backbone: The row of `backbones.BACKBONES` for this model.
        output: The field of the model's output to export.
        opset: The ONNX opset to write.

    Returns:
        A model with inputs `input_ids`, `attention_mask`; outputs hidden states and the mask that belongs to them.
    """
    states = _States(model, output).eval()
    # Two rows of different length, so that no dimension and no mask is taken for a constant.
    input_ids = torch.full((2, 7), 5)
    attention_mask = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    with _as_traceable(model, backbone), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            states,
            (input_ids, attention_mask),
            dynamo=True,
            opset_version=opset,
            input_names=["input_ids", "attention_mask"],
            output_names=["hidden"],
            dynamic_shapes={"input_ids": free, "attention_mask": free},
            verbose=False,
        )
    assert program is not None
    _at_least_one_position(program.model.graph)
    return program.model


def _at_least_one_position(graph: ir.Graph) -> None:
    """Pad an empty sequence to one masked position: attention and maximum have nothing to say of no position."""
    tape = GraphTape(graph, before=next(iter(graph)))
    length = tape.op("Shape", graph.inputs[0], start=1)
    lacking = tape.op("Max", tape.op("Sub", tape.constant([1], "axis_1"), length), tape.constant([0], "none"))
    pads = tape.op("Concat", tape.constant([0, 0, 0], "pads"), lacking, axis=0)
    for value in graph.inputs:
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
    decoder = model.get_output_embeddings()
    model.set_attn_implementation(attention.NAME if backbone.fused_attention else "eager")
    if decoder is not None:
        model.set_output_embeddings(_PassThrough(getattr(decoder, "bias", None)))
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        if decoder is not None:
            model.set_output_embeddings(decoder)
