"""The autograd function of the fused head: values, gradients, and what it never allocates."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sparse_train.model.fused import peaks
from sparse_train.model.fused.peaks import rectified_peaks

BATCH, SEQUENCE, HIDDEN, VOCABULARY = 4, 5, 3, 150
BIASES = {"sparse": -2.5, "half": -1.0, "dense": 5.0}


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        peaks, "SCORES", {"cpu": 1, "cuda": 1}
    )  # so a block has the fewest columns, and the last one fewer


def inputs(bias: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return states, weight and bias in double precision, and a mask: left, right, none and everything padded."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(BATCH, SEQUENCE, HIDDEN, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.randn(VOCABULARY, HIDDEN, dtype=torch.float64, generator=generator, requires_grad=True)
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [1] * 5, [0] * 5])
    return hidden, weight, torch.full((VOCABULARY,), bias, dtype=torch.float64, requires_grad=True), mask


def plain(hidden: Tensor, weight: Tensor, bias: Tensor | None, mask: Tensor) -> Tensor:
    """What sentence-transformers' SpladePooling does before log1p."""
    logits = torch.nn.functional.linear(hidden, weight, bias)
    return (logits * mask[..., None]).relu().amax(1)


@pytest.mark.parametrize("bias", BIASES.values(), ids=BIASES)
def test_gradcheck(bias: float) -> None:
    *tensors, mask = inputs(bias)
    active = float((rectified_peaks(*tensors, mask)[:3] > 0).double().mean())
    assert (0 < active < peaks.DENSE) if bias == BIASES["sparse"] else (active > peaks.DENSE)
    assert torch.autograd.gradcheck(lambda *given: rectified_peaks(*given, mask), tensors)


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("bias", BIASES.values(), ids=BIASES)
def test_equals_the_plain_formula(bias: float, with_bias: bool) -> None:
    hidden, weight, added, mask = inputs(bias)
    leaves = [hidden, weight, *([added] if with_bias else [])]
    factors = torch.randn(BATCH, VOCABULARY, dtype=torch.float64)
    ours, theirs = (
        function(hidden, weight, added if with_bias else None, mask) for function in (rectified_peaks, plain)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)
    assert not ours[3].any()
    for mine, other in zip(
        *(torch.autograd.grad((one * factors).sum(), leaves) for one in (ours, theirs)), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


def test_a_padded_position_gets_no_gradient() -> None:
    *tensors, mask = inputs(BIASES["dense"])
    (gradient,) = torch.autograd.grad(rectified_peaks(*tensors, mask).sum(), tensors[:1])
    assert not gradient[mask == 0].any()
    assert gradient[mask == 1].any()


@pytest.mark.parametrize("frozen", range(3))
def test_a_frozen_input_gets_no_gradient(frozen: int) -> None:
    *tensors, mask = inputs(BIASES["half"])
    whole = torch.autograd.grad(rectified_peaks(*tensors, mask).sum(), tensors)
    tensors[frozen].requires_grad_(False)
    rectified_peaks(*tensors, mask).sum().backward()
    for number, (tensor, gradient) in enumerate(zip(tensors, whole, strict=True)):
        if number == frozen:
            assert tensor.grad is None
        else:
            torch.testing.assert_close(tensor.grad, gradient, rtol=0, atol=0)


def test_nothing_active_has_gradients_of_zero() -> None:
    *tensors, mask = inputs(-1000.0)
    for gradient in torch.autograd.grad(rectified_peaks(*tensors, mask).sum(), tensors):
        assert not gradient.any()


def test_infinite_states_are_not_hidden() -> None:
    hidden, *rest = inputs(0.0)
    broken = hidden.detach().clone()
    broken[0, 3] = float("nan")
    found = rectified_peaks(broken, *rest)
    assert found[0].isnan().all()
    assert found[1:].isfinite().all()


def test_under_autocast_the_product_alone_is_rounded() -> None:
    hidden, weight, bias = (tensor.detach().float() for tensor in inputs(BIASES["half"])[:3])
    logits = (hidden.bfloat16() @ weight.bfloat16().t()).float() + bias
    with torch.autocast("cpu", torch.bfloat16):
        found = rectified_peaks(hidden, weight, bias, torch.ones(BATCH, SEQUENCE))
    torch.testing.assert_close(found, logits.relu().amax(1), rtol=0, atol=0)
