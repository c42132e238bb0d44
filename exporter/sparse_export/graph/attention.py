"""Attention as one ONNX node: an attention implementation for transformers that only exists while tracing.

`com.microsoft.MultiHeadAttention` takes an integer mask as it is, so the traced graph has neither the transposes nor
the mask arithmetic of scaled dot product attention. A sliding window goes into the same mask, with a row for each
query. As an attention bias `[batch, 1, queries, keys]` it is refused by ONNX Runtime 1.19, and 1.20.0 to 1.21.0 read
other rows of it than they should.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, bidirectional_mask_function
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from sparse_export.errors import UnsupportedCheckpointError

NAME = "sparse_export"
# What some models hand to their attention beside query, key, value and mask, and that changes what it gives.
CHANGING = ("softcap", "s_aux", "head_mask", "position_bias")


def register() -> None:
    """Make the implementation known to transformers under `NAME`."""
    ALL_ATTENTION_FUNCTIONS.register(NAME, _attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, _mask)


def _mask(*, q_length: int, kv_length: int, mask_function: Any, attention_mask: torch.Tensor, **_: Any) -> torch.Tensor:
    """Return what is seen as int32 1: `[batch, keys]`, or for a sliding window `[batch, queries, keys]`."""
    if mask_function is bidirectional_mask_function:
        return attention_mask.to(torch.int32)
    queries, keys = torch.arange(q_length)[:, None], torch.arange(kv_length)[None, :]
    return (mask_function(0, 0, queries, keys)[None] & attention_mask.bool()[:, None, :]).to(torch.int32)


def _attend(
    _module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    scaling: float | None = None,
    **_more: Any,
) -> tuple[torch.Tensor, None]:
    """Write the node for query, key and value `[batch, heads, sequence, head]`.

    Returns:
        The attended values `[batch, sequence, heads, head]`, and no attention weights.
    """
    for name in CHANGING:
        if _more.get(name) is not None:
            raise UnsupportedCheckpointError(
                f"{type(_module).__name__} gives its attention {name}, which the attention node does not have."
            )
    batch, heads, sequence, width = query.shape
    groups = heads // key.shape[1]  # grouped-query attention: each key head serves several query heads
    packed = [
        (tensor if index == 0 or groups == 1 else tensor.repeat_interleave(groups, dim=1))
        .transpose(1, 2)
        .reshape(batch, sequence, heads * width)
        for index, tensor in enumerate((query, key, value))
    ]
    output = torch.onnx.ops.symbolic(
        "com.microsoft::MultiHeadAttention",
        (*packed, None, attention_mask),
        {"num_heads": heads, "scale": float(width**-0.5 if scaling is None else scaling)},
        dtype=query.dtype,
        shape=packed[0].shape,
        version=1,
    )
    return output.reshape(batch, sequence, heads, width), None
