"""Less is kept for the backward pass: the gradients to the last bit, and no product computed again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SparseEncoder
from torch.autograd.graph import saved_tensors_hooks
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from sparse_export.graph.backbones import TESTED
from sparse_train import fuse_head
from sparse_train.model.fused import head
from sparse_train.model.fused.saved_tensors import KEEP_LESS, _two_values
from support.fused_models import batch, gradients, splade
from support.tiny_checkpoints import save_masked_lm

MODEL_TYPES = sorted(TESTED - {"mobilebert"})  # its head is not fused
Map = Callable[[torch.Tensor], torch.Tensor]
PRODUCTS = ("addmm", "mm", "bmm", "_softmax", "_safe_softmax", "bernoulli_")
"""What takes long, and dropout, which must not draw again."""


class Operations(TorchDispatchMode):
    """Counts what is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture
def keep_all(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(head, "KEEP_LESS", nullcontext())


def bytes_held(run: Callable[[], Any]) -> list[int]:
    """Return the memory of all tensors that `run` makes, after each of its allocations and releases."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watch:
        run()
    events = [event for event in watch.profiler.kineto_results.events() if event.name() == "[memory]"]
    return list(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_gradients_with_dropout_are_the_same_to_the_last_bit(
    model_type: str, autocast: bool, tmp_path: Path, keep_all: Callable[[], None]
) -> None:
    model = fuse_head(splade(save_masked_lm(tmp_path / model_type, model_type)))
    found = []
    for prepare in (lambda: None, keep_all):
        prepare()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            found.append(gradients(model, batch()))
    (vectors, gradient), (expected_vectors, expected) = found
    assert torch.equal(vectors, expected_vectors)
    assert gradient.keys() == expected.keys()
    assert all(torch.equal(gradient[name], each) for name, each in expected.items())


def test_no_product_is_computed_again(material: Path, keep_all: Callable[[], None]) -> None:
    model = fuse_head(splade(material / "bert"))
    counts = []
    for prepare in (lambda: None, keep_all):
        prepare()
        with Operations() as watch:
            gradients(model, batch())
        counts.append(watch.counts)
    found, expected = counts
    assert {name: found[name] for name in PRODUCTS} == {name: expected[name] for name in PRODUCTS}
    layers = model[0].model.config.num_hidden_layers
    assert found["gelu"] == expected["gelu"] + layers + 1  # before the decoder
    assert found["mul"] == expected["mul"] + layers  # softmax by what dropout drew


def test_a_step_needs_less_memory(splade_tiny: Path, keep_all: Callable[[], None]) -> None:
    model = fuse_head(SparseEncoder(str(splade_tiny), device="cpu").train())
    ids = torch.randint(1000, 30522, (16, 256), generator=torch.Generator().manual_seed(0))
    features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def step() -> None:
        model(dict(features))["sentence_embedding"].square().sum().backward()
        model.zero_grad()

    less = max(bytes_held(step))
    keep_all()
    assert less < 0.7 * max(bytes_held(step))


@pytest.mark.parametrize("view", [torch.clone, torch.t, torch.flatten, lambda result: result[1:]])
@pytest.mark.parametrize("layout", [torch.clone, torch.t])
@pytest.mark.parametrize("operation", [torch.nn.functional.gelu, lambda x: x.softmax(1) * x.detach()])
def test_any_view_of_a_result_is_made_again(operation: Map, layout: Map, view: Map) -> None:
    gradients = []
    for context in (KEEP_LESS, nullcontext()):
        torch.manual_seed(0)
        x = torch.randn(5, 5, requires_grad=True)
        with context:
            kept = view(operation(layout(x)))
            factor = torch.randn_like(kept, requires_grad=True)
            (kept * factor).sum().backward()
        gradients.append((x.grad, factor.grad))
    assert all(torch.equal(found, expected) for found, expected in zip(*gradients, strict=True))


def test_a_second_backward_pass_finds_the_same(material: Path) -> None:
    model = fuse_head(splade(material / "bert"))
    total = model(batch())["sentence_embedding"].sum()
    total.backward(retain_graph=True)
    once = {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}
    total.backward()
    assert all(torch.equal(model.get_parameter(name).grad, 2 * each) for name, each in once.items())


def test_a_graph_that_nobody_needs_is_freed(material: Path) -> None:
    model = fuse_head(splade(material / "bert"))
    held = bytes_held(lambda: [model(batch()) for _ in range(5)].clear())
    assert held[-1] < 0.1 * max(held)


def test_an_interrupted_call_is_mended_by_the_next(material: Path) -> None:
    model = fuse_head(splade(material / "bert"))

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    handle = model[0].model.bert.register_forward_pre_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        model(batch())
    handle.remove()
    model(batch())
    assert "forward" not in vars(model[0].model.get_output_embeddings())
    assert torch._C._autograd._top_saved_tensors_default_hooks(False) is None


@pytest.mark.parametrize("early", [False, True])
def test_an_error_leaves_other_hooks_in_place(early: bool, material: Path) -> None:
    seen: list[torch.Size] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        seen.append(tensor.shape)
        return tensor

    model = fuse_head(splade(material / "bert"))
    if early:
        model[0].register_forward_pre_hook(lambda *_: 1 / 0, prepend=True)
    with saved_tensors_hooks(note, lambda kept: kept):
        with pytest.raises((IndexError, ZeroDivisionError)):
            model({"input_ids": torch.full((1, 3), 10**6), "attention_mask": torch.ones(1, 3)})
        seen.clear()
        torch.ones(3, requires_grad=True).exp()
    assert seen == [torch.Size([3])]


def drawn(dtype: torch.dtype) -> torch.Tensor:
    return torch.nn.functional.dropout(torch.ones(400, dtype=dtype), 0.1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_dropout_draws_is_kept_as_bytes(dtype: torch.dtype) -> None:
    noise = drawn(dtype)
    again = _two_values(noise)
    assert again is not None
    assert again().dtype == dtype
    assert torch.equal(again(), noise)


@pytest.mark.parametrize("third", [0.5, -1.0, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", [0, 399])
def test_three_values_are_kept_as_they_are(third: float, place: int) -> None:
    noise = drawn(torch.float32)
    noise[place] = third
    assert _two_values(noise) is None
