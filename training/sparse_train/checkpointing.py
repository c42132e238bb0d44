"""Selective activation checkpointing: less memory for some time, with the same gradients.

With the fused head, most memory of a step is what the layers of the backbone keep for the backward pass. Here they
keep the results of their matrix products and of fused attention, where nearly all the time goes; dropout, activation
functions, normalizations and attention's `[length, length]` tensors are computed again, layer by layer. The trainer's
own `activation_checkpointing` computes whole layers again: less memory still, for more time.
https://docs.pytorch.org/docs/stable/checkpoint.html
"""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Transformer
from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts

aten = torch.ops.aten
KEPT = {
    aten.mm.default,
    aten.addmm.default,
    aten._scaled_dot_product_flash_attention_for_cpu.default,
    aten._scaled_dot_product_flash_attention.default,
    aten._scaled_dot_product_efficient_attention.default,
    aten._scaled_dot_product_cudnn_attention.default,
}


def checkpoint_selectively(model: SparseEncoder) -> SparseEncoder:
    """Make the layers of a model's transformers keep little but products while they train.

    Args:
        model: Any SparseEncoder; changed in place.

    Returns:
        The same model.

    Raises:
        ValueError: The architecture of a transformer does not support checkpointing.
    """
    for module in model.modules():
        if isinstance(module, Transformer):
            backbone: Any = module.model
            # transformers 5.20 has the second name alone, and version 6 the first.
            first, second = "activation_checkpointing_enable", "gradient_checkpointing_enable"
            enable = getattr(backbone, first if hasattr(backbone, first) else second)
            enable({"use_reentrant": False, "context_fn": _contexts})
    return model


def _contexts() -> tuple[Any, Any]:
    return create_selective_checkpoint_contexts(_policy)


def _policy(_context: Any, operation: Any, *_arguments: Any, **_options: Any) -> CheckpointPolicy:
    return CheckpointPolicy.MUST_SAVE if operation in KEPT else CheckpointPolicy.PREFER_RECOMPUTE
