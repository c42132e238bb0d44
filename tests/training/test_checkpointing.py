"""Selective checkpointing: the gradients to the last bit, less memory, no product computed again."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch
from fused_models import batch, gradients, splade
from safetensors.numpy import load_file
from sentence_transformers import SparseEncoder
from tiny_checkpoints import save_masked_lm
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from sparse_export.backbones import BACKBONES
from sparse_train import fuse_head, train
from sparse_train.checkpointing import checkpoint_selectively
from sparse_train.errors import RecipeError
from sparse_train.recipe import read_recipe

Write = Callable[[dict[str, Any]], Path]
UNSUPPORTED = {"albert", "mpnet"}
"""By transformers; should it learn them, the test of the error fails."""
MODEL_TYPES = [backbone.model_type for backbone in BACKBONES if backbone.model_type not in UNSUPPORTED]
PRODUCTS = {"addmm", "mm", "_scaled_dot_product_flash_attention_for_cpu"}


class Operations(TorchDispatchMode):
    """Counts what is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def operations(run: Callable[[], Any]) -> Counter[str]:
    with Operations() as watch:
        run()
    return watch.counts


def peak_bytes(run: Callable[[], Any]) -> int:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watch:
        run()
    events = [event for event in watch.profiler.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_gradients_with_dropout_are_the_same_to_the_last_bit(model_type: str, tmp_path: Path) -> None:
    plain = fuse_head(splade(save_masked_lm(tmp_path / model_type, model_type)))
    ours = checkpoint_selectively(copy.deepcopy(plain))
    vectors, expected = gradients(plain, batch())
    found, gradient = gradients(ours, batch())
    assert torch.equal(found, vectors)
    assert gradient.keys() == expected.keys()
    assert all(torch.equal(gradient[name], each) for name, each in expected.items())


# The second has no dropout in attention, which is then one operation.
@pytest.mark.parametrize("model_type", ["bert", "modernbert"])
def test_products_are_kept_and_the_rest_is_computed_again(model_type: str, tmp_path: Path) -> None:
    plain = fuse_head(splade(save_masked_lm(tmp_path / model_type, model_type)))
    ours = checkpoint_selectively(copy.deepcopy(plain))
    expected, found = (operations(lambda model=model: gradients(model, batch())) for model in (plain, ours))
    assert expected["mm"] > 0
    assert (expected["_scaled_dot_product_flash_attention_for_cpu"] > 0) == (model_type == "modernbert")
    assert {name: found[name] for name in PRODUCTS} == {name: expected[name] for name in PRODUCTS}
    layers = plain[0].model.config.num_hidden_layers
    assert found["gelu"] == expected["gelu"] + layers


def test_a_step_needs_less_memory(splade_tiny: Path) -> None:
    plain = fuse_head(SparseEncoder(str(splade_tiny), device="cpu").train())
    ours = checkpoint_selectively(copy.deepcopy(plain))
    ids = torch.randint(1000, 30522, (16, 256), generator=torch.Generator().manual_seed(0))
    features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def step(model: SparseEncoder) -> None:
        model(dict(features))["sentence_embedding"].square().sum().backward()
        model.zero_grad()

    assert peak_bytes(lambda: step(ours)) < 0.7 * peak_bytes(lambda: step(plain))


@pytest.mark.parametrize("family", ["splade", "inference-free", "csr"])
def test_a_recipe_trains_to_the_same_checkpoint(family: str, recipes: dict[str, Any], write: Write) -> None:
    found = []
    for selective in (True, False):
        recipe = recipes[family] | {"selective_checkpointing": selective}
        output = train(read_recipe(write(recipe)), force=True)
        configs = {path.relative_to(output): path.read_bytes() for path in output.rglob("*.json")}
        weights = {path.relative_to(output): load_file(path) for path in output.rglob("*.safetensors")}
        found.append((configs, weights))
    (configs, weights), (plain_configs, plain_weights) = found
    assert configs == plain_configs
    assert weights.keys() == plain_weights.keys()
    for path, tensors in plain_weights.items():
        assert all((weights[path][name] == tensor).all() for name, tensor in tensors.items())


def test_it_excludes_checkpointing_of_whole_layers(recipes: dict[str, Any], write: Write) -> None:
    path = write(recipes["splade"] | {"selective_checkpointing": True})
    read_recipe(path)
    with pytest.raises(RecipeError, match=r"selective_checkpointing: training\.activation_checkpointing .* choose one"):
        read_recipe(path, ["training.activation_checkpointing=true"])


@pytest.mark.parametrize("model_type", sorted(UNSUPPORTED))
def test_an_architecture_without_checkpointing_is_named(
    model_type: str, recipes: dict[str, Any], write: Write, tmp_path: Path
) -> None:
    recipe = recipes["splade"] | {"selective_checkpointing": True}
    recipe["model"]["name"] = str(save_masked_lm(tmp_path / model_type, model_type))
    with pytest.raises(RecipeError, match=r"selective_checkpointing: (Albert|MPNet)\w+ does not support"):
        train(read_recipe(write(recipe)))
