"""PEFT adapters: merge them into the weights of a loaded model."""

from __future__ import annotations

from typing import Any, cast

import torch
from transformers import PreTrainedModel


def has_adapters(model: PreTrainedModel) -> bool:
    """Tell whether transformers loaded a PEFT adapter into the model."""
    return bool(getattr(model, "_hf_peft_config_loaded", False))


def merge(model: PreTrainedModel) -> None:
    """Merge all PEFT layers into the weights, in place."""
    if not has_adapters(model):
        return
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            layer = cast(Any, module)
            base = layer.get_base_layer()
            # Embeddings and decoder may be one tensor; an adapter of one of them must not change the other.
            base.weight = torch.nn.Parameter(base.weight.detach().clone(), requires_grad=False)
            layer.merge(safe_merge=True)
            model.set_submodule(name, base)
