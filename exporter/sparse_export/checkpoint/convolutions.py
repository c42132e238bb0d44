"""Keep padding out of convolutions over a text: else the vector of a text depends on how far its batch is padded.

ConvBERT's convolutions read padding as if it were text. At the ends of a text that stands alone they read zeros, and so
they do here at the ends of one that is padded: its vector is that of the text alone.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.convbert.modeling_convbert import ConvBertSelfAttention


def keep_padding_out(model: torch.nn.Module) -> None:
    """Give the layers of a ConvBERT, in place, states that are 0 where the text is padded; others stay as they are."""
    for module in model.modules():
        if isinstance(module, ConvBertSelfAttention):
            module.register_forward_pre_hook(_without_padding, with_kwargs=True)


def _without_padding(_module: torch.nn.Module, arguments: Any, named: Any) -> tuple[Any, Any]:
    states, mask, *others = arguments
    if mask is None:  # nothing is padded
        return arguments, named
    seen = (mask[:, 0, 0, :, None] == 0).to(states.dtype)  # the mask is added to scores: 0 shows a token
    return (states * seen, mask, *others), named
