"""Every backbone of the exporter's table: the fused head has the vectors and gradients of sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from sparse_export.graph.backbones import TESTED
from sparse_train.model.fused.head import fuse_head, is_fused
from support.fused_models import activate, assert_same_gradients, batch, gradients, splade, twins
from support.tiny_checkpoints import save_masked_lm

MODEL_TYPES = sorted(TESTED - {"mobilebert"})  # see test_a_head_of_two_matrices
SHARES = {"sparse": 0.15, "dense": 0.6}  # on either side of where positions are looked for in another way
WITHOUT_BIAS = {"eurobert"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    return cache(lambda model_type: save_masked_lm(tmp_path_factory.mktemp("backbones") / model_type, model_type))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
@pytest.mark.parametrize("activation", ["relu", "log1p_relu"])
@pytest.mark.parametrize("density", SHARES)
@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_vectors_and_gradients(
    model_type: str, density: str, activation: str, dtype: torch.dtype, checkpoint: Callable[[str], Path]
) -> None:
    model = splade(checkpoint(model_type), activation_function=activation).to(dtype)
    activate(model, SHARES[density])
    stock, fused = twins(model)
    assert is_fused(fused[0])
    assert not is_fused(stock[0])
    for left in (False, True):
        vectors, expected = gradients(stock, batch(left))
        found, ours = gradients(fused, batch(left))
        if model_type not in WITHOUT_BIAS:
            active = float((vectors > 0).double().mean())
            assert active == pytest.approx(SHARES[density], abs=0.1)
        torch.testing.assert_close(found, vectors, rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-13)
        assert ((found > 0) == (vectors > 0)).all()
        if dtype == torch.float32:
            assert_same_gradients(ours, expected, 1e-5, noise=1e-2)
        else:
            assert_same_gradients(ours, expected, 1e-12, noise=1e-3)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_vectors_without_gradients(model_type: str, checkpoint: Callable[[str], Path]) -> None:
    stock, fused = twins(splade(checkpoint(model_type)))
    texts = ["The whale is in the sea.", "", "bank " * 70]
    ours, theirs = (model.encode(texts, convert_to_sparse_tensor=False) for model in (fused, stock))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_a_head_of_two_matrices(checkpoint: Callable[[str], Path]) -> None:
    """MobileBERT's decoder is only a part of what makes its logits."""
    assert not is_fused(fuse_head(splade(checkpoint("mobilebert")))[0])
