"""Keep padding out of layers that mix neighbouring tokens: else a vector depends on how far its batch is padded.

ConvBERT's convolutions and MobileBERT's trigrams read padding as if it were text. At the ends of a text that stands
alone they read zeros, and so they do here at the ends of one that is padded: its vector is that of the text alone.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.convbert.modeling_convbert import ConvBertSelfAttention
from transformers.models.mobilebert.modeling_mobilebert import MobileBertModel


def keep_padding_out(model: torch.nn.Module) -> None:
    """Give such layers, in place, zeros where the text is padded; other models stay as they are."""
    for module in model.modules():
        if isinstance(module, ConvBertSelfAttention):
            module.register_forward_pre_hook(_without_padding, with_kwargs=True)
        if isinstance(module, MobileBertModel) and module.config.trigram_input:
            _empty_embeddings(module)


def _without_padding(_module: torch.nn.Module, arguments: Any, named: Any) -> tuple[Any, Any]:
    states, mask, *others = arguments
    if mask is None:  # nothing is padded
        return arguments, named
    seen = (mask[:, 0, 0, :, None] == 0).to(states.dtype)  # the mask is added to scores: 0 shows a token
    return (states * seen, mask, *others), named


def _empty_embeddings(model: MobileBertModel) -> None:
    """Make the word embeddings of padding zeros; the embeddings themselves are not told the mask."""
    masks: list[torch.Tensor] = []

    def keep_mask(_module: torch.nn.Module, _arguments: Any, named: dict[str, Any]) -> None:
        masks[:] = [named["attention_mask"]]

    def without_padding(_module: torch.nn.Module, _arguments: Any, embeddings: torch.Tensor) -> torch.Tensor:
        return embeddings * masks[0][..., None].to(embeddings.dtype)

    model.register_forward_pre_hook(keep_mask, with_kwargs=True)
    model.embeddings.word_embeddings.register_forward_hook(without_padding)
