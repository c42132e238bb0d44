"""Pairs of equal models, one of them with the fused head, for the tests of the fused head."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling

from sparse_train import fuse_head
from support.tiny_checkpoints import VOCABULARY

Gradients = dict[str, torch.Tensor]
LENGTHS = (12, 7, 1)


def splade(folder: Path, **pooling: Any) -> SparseEncoder:
    """Return the SPLADE of a bare masked language model."""
    modules = [Transformer(str(folder), transformer_task="fill-mask"), SpladePooling(**pooling)]
    return SparseEncoder(modules=modules, device="cpu").train()


def twins(model: SparseEncoder) -> tuple[SparseEncoder, SparseEncoder]:
    """Return the model as it is and a copy with the fused head."""
    return model, fuse_head(copy.deepcopy(model))


def without_dropout(model: SparseEncoder) -> SparseEncoder:
    """Switch dropout off and leave the model in training mode, without which the stock pooling has no gradients."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def activate(model: SparseEncoder, share: float) -> None:
    """Shift all logits so that about this share of the dimensions is active; without a bias the model stays."""
    decoder = model[0].model.get_output_embeddings()
    if decoder.bias is None:
        return
    with torch.no_grad():
        features = batch()
        logits = model[0](dict(features))["token_embeddings"].masked_fill(
            features["attention_mask"][..., None] == 0, -99
        )
        decoder.bias -= logits.amax(1).flatten().quantile(1 - share)


def batch(left: bool = False) -> dict[str, torch.Tensor]:
    """Return texts of `LENGTHS` tokens, padded on one side."""
    ids = torch.randint(5, len(VOCABULARY), (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    mask = (mask.flip(1) if left else mask).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def gradients(model: SparseEncoder, features: dict[str, Any], seed: int = 0) -> tuple[torch.Tensor, Gradients]:
    """Return the vectors and the gradient of every parameter, of a loss that all weights have a share in."""
    model.zero_grad()
    torch.manual_seed(seed)
    vectors = model(dict(features))["sentence_embedding"]
    factors = torch.randn(vectors.shape, dtype=vectors.dtype, generator=torch.Generator().manual_seed(2))
    (vectors * factors).sum().backward()
    return vectors.detach(), {name: each.grad for name, each in model.named_parameters() if each.grad is not None}


def assert_same_gradients(ours: Gradients, stock: Gradients, tolerance: float, noise: float = 0.0) -> None:
    """Compare parameter by parameter, relative to the norm of each.

    Args:
        ours: By name.
        stock: By name.
        tolerance: Relative difference allowed.
        noise: Share of the largest norm below which a gradient counts as this large. Those of attention's key biases
            are 0 but for rounding, as softmax takes away what they add.
    """
    assert ours.keys() == stock.keys()
    floor = noise * max(float(gradient.norm()) for gradient in stock.values())
    for name, gradient in stock.items():
        difference = float((ours[name] - gradient).norm())
        assert difference <= tolerance * max(float(gradient.norm()), floor), (name, difference, float(gradient.norm()))
