"""The vocabulary decoder of a masked language model: as a matrix, and taken out for the time of a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers.models.mobilebert.modeling_mobilebert import MobileBertLMPredictionHead


class _PassThrough(torch.nn.Module):
    """Stands where the decoder was; some setters of output embeddings read `.bias` of the replacement."""

    def __init__(self, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.bias = bias

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


def matrix(model: PreTrainedModel) -> tuple[np.ndarray, np.ndarray]:
    """Return weight, float32 `[hidden, vocab]`, and bias, float32 `[vocab]`; a missing bias is 0."""
    decoder: Any = model.get_output_embeddings()
    weight, bias = decoder.weight.detach().T, getattr(decoder, "bias", None)
    split = _split_head(model)
    if split is not None:  # its first rows are the embeddings, which are narrower than the states
        weight, bias = torch.cat([weight, split.dense.weight.detach()]), decoder.bias
    biases = np.zeros(weight.shape[1], np.float32) if bias is None else bias.detach().numpy()
    return weight.numpy(), biases


@contextlib.contextmanager
def left_out(model: PreTrainedModel) -> Iterator[None]:
    """Make the "logits" of a model the states before its decoder; a model without one stays as it is."""
    split, decoder = _split_head(model), model.get_output_embeddings()
    if split is not None:
        split.forward = split.transform.forward  # not the module, which would become a part of it
    elif decoder is not None:
        model.set_output_embeddings(_PassThrough(getattr(decoder, "bias", None)))
    try:
        yield
    finally:
        if split is not None:
            del split.forward
        elif decoder is not None:
            model.set_output_embeddings(decoder)


def _split_head(model: PreTrainedModel) -> Any:
    """Return MobileBERT's head, which multiplies with two matrices that lie in two modules; None of other models."""
    head = getattr(getattr(model, "cls", None), "predictions", None)
    return head if isinstance(head, MobileBertLMPredictionHead) else None
