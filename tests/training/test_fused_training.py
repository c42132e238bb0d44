"""Training with the fused head as the trainer does it: memory, losses, mixed precision, several processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder import losses
from torch.utils._python_dispatch import TorchDispatchMode

from sparse_train import fuse_head
from sparse_train.model.fused import peaks
from support.fused_models import (
    Gradients,
    activate,
    assert_same_gradients,
    batch,
    gradients,
    splade,
    twins,
    without_dropout,
)
from support.tiny_checkpoints import VOCABULARY, save_masked_lm

STEPS = 50


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked_lm(tmp_path_factory.mktemp("fused") / "bert", "bert")


class LargestTensor(TorchDispatchMode):
    """Watches the values of every tensor that an operation of a forward or backward pass returns."""

    def __init__(self) -> None:
        super().__init__()
        self.values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for each in torch.utils._pytree.tree_leaves(result):
            if isinstance(each, torch.Tensor):
                self.values = max(self.values, each.numel())
        return result


def largest(run: Callable[[], Any]) -> int:
    with LargestTensor() as watch:
        run()
    return watch.values


@pytest.mark.parametrize("share", [0.01, 0.6])
def test_no_tensor_has_batch_sequence_and_vocabulary(share: float, splade_tiny: Path) -> None:
    texts, tokens, vocabulary = 8, 64, 30522
    model = SparseEncoder(str(splade_tiny), device="cpu").train()
    activate(model, share)
    ids = torch.randint(1000, vocabulary, (texts, tokens), generator=torch.Generator().manual_seed(0))
    features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    stock, fused = twins(model)
    everything = texts * tokens * vocabulary
    vectors = None

    def forward(model: SparseEncoder) -> None:
        nonlocal vectors
        vectors = model(dict(features))["sentence_embedding"]

    def backward() -> None:
        vectors.square().sum().backward()

    # The watch sees what the stock modules do.
    assert largest(lambda: forward(stock)) == everything
    assert largest(backward) == everything
    allowed = max(peaks.SCORES["cpu"], max(parameter.numel() for parameter in model.parameters()))
    assert allowed < everything / 3
    assert largest(lambda: forward(fused)) <= allowed
    assert largest(backward) <= allowed


def splade_loss(
    model: SparseEncoder, kind: type[losses.SpladeLoss] = losses.SpladeLoss, **more: Any
) -> torch.nn.Module:
    ranking = losses.SparseMultipleNegativesRankingLoss(model)
    return kind(model, ranking, document_regularizer_weight=3e-3, query_regularizer_weight=5e-3, **more)


def pairs(rows: int, seed: int) -> list[dict[str, torch.Tensor]]:
    """Return queries and documents with words in common, of lengths of their own."""
    generator = torch.Generator().manual_seed(seed)
    documents = torch.randint(5, len(VOCABULARY), (rows, 12), generator=generator)
    mask = (torch.arange(12) < torch.randint(4, 13, (rows, 1), generator=generator)).long()
    queries = documents[:, :5]
    return [
        {"input_ids": queries, "attention_mask": mask[:, :5]},
        {"input_ids": documents * mask, "attention_mask": mask},
    ]


def curve(model: SparseEncoder) -> list[float]:
    loss, values = splade_loss(model), []
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    torch.manual_seed(0)
    for step in range(STEPS):
        optimizer.zero_grad()
        total = sum(loss([dict(features) for features in pairs(8, seed=step % 10)]).values())
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        values.append(float(total.detach()))
    return values


def test_fifty_steps_follow_the_stock_curve(bert: Path) -> None:
    """In double precision: in single, Adam makes whole steps of the rounding in gradients that are 0 but for it."""
    stock, fused = (curve(model.double()) for model in twins(splade(bert)))
    assert stock[-1] < 0.5 * stock[0]
    assert fused == pytest.approx(stock, rel=1e-8)


# sentence-transformers calls the name that transformers had for it before.
@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable` is deprecated:FutureWarning")
def test_gradient_checkpointing(bert: Path) -> None:
    stock, fused = twins(splade(bert))
    calls: list[None] = []
    for model in (stock, fused):
        model.gradient_checkpointing_enable({"use_reentrant": False})
    fused[0].model.bert.encoder.layer[0].attention.register_forward_hook(lambda *_: calls.append(None))
    vectors, expected = gradients(stock, batch())
    found, ours = gradients(fused, batch())
    assert len(calls) == 2  # forward, and once more in the backward pass
    torch.testing.assert_close(found, vectors, rtol=0, atol=1e-5)
    assert_same_gradients(ours, expected, 1e-5, noise=1e-2)


def distance(one: Gradients, other: Gradients) -> float:
    """Return the relative distance of all gradients together."""
    difference = sum(float((one[name] - other[name]).square().sum()) for name in other)
    return (difference / sum(float(gradient.square().sum()) for gradient in other.values())) ** 0.5


@pytest.mark.parametrize("activation", ["relu", "log1p_relu"])
def test_bfloat16_is_as_close_to_single_precision_as_the_stock_head_is(activation: str, bert: Path) -> None:
    stock, fused = twins(without_dropout(splade(bert, activation_function=activation)))
    vectors, exact = gradients(stock, batch())
    with torch.autocast("cpu", torch.bfloat16):
        rough, stocks = gradients(stock, batch())
        found, ours = gradients(fused, batch())
    assert found.dtype == torch.float32
    assert (found - rough).norm() <= 0.02 * rough.norm()
    assert 1e-5 < (found - vectors).norm() <= 1.1 * (rough - vectors).norm()
    assert all(gradient.dtype == torch.float32 for gradient in ours.values())
    assert 1e-4 < distance(ours, exact) <= 1.1 * distance(stocks, exact)


def test_a_model_of_half_precision(bert: Path) -> None:
    stock, fused = twins(without_dropout(splade(bert)).bfloat16())
    vectors, expected = gradients(stock, batch())
    found, ours = gradients(fused, batch())
    assert found.dtype == vectors.dtype == torch.bfloat16
    assert (found - vectors).norm() <= 0.02 * vectors.norm()
    assert {gradient.dtype for gradient in ours.values()} == {torch.bfloat16}
    assert distance(ours, expected) < 0.1


@pytest.mark.parametrize("mini_batch", [3, 8])
def test_cached_splade_loss(mini_batch: int, bert: Path) -> None:
    found = []
    for model in twins(splade(bert)):
        torch.manual_seed(0)
        loss = splade_loss(model, losses.CachedSpladeLoss, mini_batch_size=mini_batch)
        values = loss(pairs(8, seed=0))
        sum(values.values()).backward()
        named = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
        found.append(({name: float(value.detach()) for name, value in values.items()}, named))
    (values, expected), (ours, gradient) = found
    assert ours == pytest.approx(values, rel=1e-5)
    assert len(values) == 3
    assert_same_gradients(gradient, expected, 1e-5, noise=1e-2)


RANK = """
import json, sys
import torch
from torch.nn.parallel import DistributedDataParallel
sys.path[:0] = json.loads(sys.argv[5])
from pathlib import Path
from support.fused_models import batch, splade, without_dropout
from sparse_train import fuse_head
folder, meeting, rank, output = sys.argv[1:5]
torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=int(rank), world_size=2)
model = DistributedDataParallel(fuse_head(without_dropout(splade(Path(folder)))))
rows = slice(int(rank), int(rank) + 1)
vectors = model({key: value[rows] for key, value in batch().items()})["sentence_embedding"]
vectors.square().sum().backward()
gradients = {name: each.grad for name, each in model.module.named_parameters() if each.grad is not None}
torch.save(gradients, output)
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_have_the_mean_of_their_gradients(bert: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent
    paths = json.dumps([str(here), str(here.parent)])
    outputs = [tmp_path / f"{rank}.pt" for rank in range(2)]
    commands = [
        (sys.executable, "-c", RANK, bert, tmp_path / "meeting", str(rank), output, paths)
        for rank, output in enumerate(outputs)
    ]
    ranks = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in ranks:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    stock = without_dropout(splade(bert))
    features = {key: value[:2] for key, value in batch().items()}
    (stock(features)["sentence_embedding"].square().sum() / 2).backward()
    expected = {name: each.grad for name, each in stock.named_parameters() if each.grad is not None}
    for output in outputs:
        assert_same_gradients(torch.load(output), expected, 1e-5, noise=1e-2)


def test_fused_and_stock_are_different_computations(bert: Path) -> None:
    """Were the head not fused, all of the above would compare a model with itself."""
    stock, fused = (model.eval() for model in twins(splade(bert)))
    with torch.no_grad():
        shapes = [model(batch())["token_embeddings"].shape[-1] for model in (stock, fuse_head(fused))]
    assert shapes == [stock[0].model.config.vocab_size, stock[0].model.config.hidden_size]
