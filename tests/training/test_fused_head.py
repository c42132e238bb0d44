"""What the fused head leaves alone: the model, its files, its copies, and heads it does not cover."""

from __future__ import annotations

import copy
import logging
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.sparse_encoder.modules import SpladePooling

from sparse_train import fuse_head
from sparse_train.model.fused.head import DECODER, FLAT, _Pooling, is_fused
from support.fused_models import assert_same_gradients, batch, gradients, splade, twins, without_dropout
from support.tiny_checkpoints import PADDED_VOCABULARY, save_csr, save_inference_free, save_masked_lm, save_splade

TEXTS = ["The whale is in the sea.", "a bank"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked_lm(tmp_path_factory.mktemp("fused") / "bert", "bert")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def dense(model: SparseEncoder) -> torch.Tensor:
    return model.encode(TEXTS, convert_to_sparse_tensor=False)


LOAD = """
import sys
sys.modules["sparse_train"] = None  # an import would fail
import numpy as np
from sentence_transformers import SparseEncoder
model = SparseEncoder(sys.argv[1], device="cpu")
np.save(sys.argv[2], model.encode(sys.argv[3:], convert_to_sparse_tensor=False).numpy())
"""


@pytest.mark.parametrize("save", [save_splade, save_inference_free])
def test_saved_files_are_those_of_a_stock_save(save: Callable[[Path], Path], tmp_path: Path) -> None:
    stock, fused = twins(SparseEncoder(str(save(tmp_path / "model")), device="cpu"))
    vectors = [dense(model) for model in (stock, fused)]
    torch.testing.assert_close(*vectors, rtol=0, atol=1e-5)
    assert list(fused.state_dict()) == list(stock.state_dict())
    assert str(fused) == str(stock)
    for model, name in ((stock, "stock"), (fused, "fused")):
        model.save_pretrained(str(tmp_path / name))  # with the model card
    assert files(tmp_path / "fused") == files(tmp_path / "stock")
    assert "README.md" in files(tmp_path / "fused")
    output = tmp_path / "vectors.npy"
    subprocess.run([sys.executable, "-c", LOAD, tmp_path / "fused", output, *TEXTS], check=True, capture_output=True)
    np.testing.assert_allclose(np.load(output), vectors[0], rtol=0, atol=1e-5)


def test_a_trained_model_loads_as_it_was(bert: Path, tmp_path: Path) -> None:
    fused = fuse_head(splade(bert))
    optimizer = torch.optim.SGD(fused.parameters(), lr=0.1)
    gradients(fused, batch())
    optimizer.step()
    fused.save_pretrained(str(tmp_path / "trained"), create_model_card=False)
    torch.testing.assert_close(
        dense(SparseEncoder(str(tmp_path / "trained"), device="cpu")), dense(fused), rtol=0, atol=1e-5
    )


def test_both_routes_of_a_router(tmp_path: Path) -> None:
    stock, fused = twins(SparseEncoder(str(save_inference_free(tmp_path / "model")), device="cpu").train())
    for task in ("query", "document"):
        found = []
        for model in (fused, stock):
            features = model.preprocess(TEXTS, task=task)
            found.append(gradients(model, {**features, "task": task}))
        torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=1e-5)
        assert_same_gradients(found[0][1], found[1][1], 1e-5, noise=1e-2)
    assert is_fused(fused[0].sub_modules["document"][0])


def test_tied_weights_get_both_gradients(bert: Path) -> None:
    model = splade(bert).double()
    stock, fused = twins(model)
    name = "0.model.bert.embeddings.word_embeddings.weight"
    assert fused[0].model.get_output_embeddings().weight is fused[0].model.get_input_embeddings().weight
    features = batch()
    gradient = gradients(fused, features)[1][name]
    torch.testing.assert_close(gradient, gradients(stock, features)[1][name], rtol=1e-9, atol=1e-9)
    absent = torch.ones(len(gradient), dtype=torch.bool)
    absent[features["input_ids"].flatten()] = False
    assert gradient[absent].any()  # of the decoder alone
    fused[0].model.get_output_embeddings().weight = torch.nn.Parameter(
        model[0].model.get_output_embeddings().weight.detach()
    )
    alone = gradients(fused, features)[1][name]
    assert alone[~absent].any()  # of the embedding alone
    assert not alone[absent].any()


def test_padding_changes_nothing(bert: Path) -> None:
    fused = fuse_head(splade(bert)).eval()
    features = batch()
    together = fused(dict(features))["sentence_embedding"]
    for row, length in enumerate(features["attention_mask"].sum(1)):
        alone = fused({key: value[row : row + 1, :length] for key, value in features.items()})["sentence_embedding"]
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-5)


def test_flat_texts_are_pooled_each_on_its_own() -> None:
    torch.manual_seed(0)
    decoder, hidden = torch.nn.Linear(8, 100), torch.randn(1, 10, 8)
    bounds = {FLAT: torch.tensor([0, 4, 5, 10])}
    stock = SpladePooling()({"token_embeddings": decoder(hidden), **bounds})
    fused = _Pooling(SpladePooling())({"token_embeddings": hidden, DECODER: decoder, **bounds})
    torch.testing.assert_close(fused["sentence_embedding"], stock["sentence_embedding"])


def test_the_language_model_itself_still_gives_logits(bert: Path) -> None:
    stock, fused = twins(splade(bert).eval())
    for model in (stock, fused):
        dense(model)
    assert torch.equal(*(model[0].model(**batch()).logits for model in (fused, stock)))
    with pytest.raises(IndexError):
        fused({"input_ids": torch.full((1, 3), PADDED_VOCABULARY), "attention_mask": torch.ones(1, 3)})
    assert fused[0].model(**batch()).logits.shape[-1] == PADDED_VOCABULARY


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_a_model_of_its_own(duplicate: Callable[[SparseEncoder], SparseEncoder], bert: Path) -> None:
    fused = fuse_head(splade(bert).eval())
    before = dense(fused)
    twin = duplicate(fused)
    assert torch.equal(dense(twin), before)
    with torch.no_grad():
        twin[0].model.get_output_embeddings().bias += 1
    assert torch.equal(dense(fused), before)
    assert not torch.equal(dense(twin), before)
    assert twin[1].forward.module is twin[1]


def replica(network: torch.nn.Module) -> torch.nn.Module:
    """Do what DataParallel does for each of its devices, on the CPU."""
    modules = list(network.modules())
    copies = {module: module._replicate_for_data_parallel() for module in modules}
    clones: dict[torch.nn.Parameter, torch.Tensor] = {}
    for module in modules:
        for name, child in module._modules.items():
            copies[module]._modules[name] = copies[child]
        for name, parameter in module._parameters.items():
            if parameter is not None:
                setattr(copies[module], name, clones.setdefault(parameter, parameter.clone()))
            else:
                copies[module]._parameters[name] = None
    return copies[network]


def test_replicas_run_side_by_side(bert: Path) -> None:
    stock, fused = twins(without_dropout(splade(bert).double()))
    vectors, expected = gradients(stock, batch())
    fused.zero_grad()
    results: dict[int, Any] = {}

    def run(row: int, network: torch.nn.Module) -> None:
        features = {key: value[row : row + 1] for key, value in batch().items()}
        results[row] = network(features)["sentence_embedding"]

    threads = [threading.Thread(target=run, args=(row, replica(fused))) for row in range(len(vectors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = torch.cat([results[row] for row in range(len(vectors))])
    torch.testing.assert_close(together.detach(), vectors, rtol=0, atol=1e-12)
    factors = torch.randn(vectors.shape, dtype=vectors.dtype, generator=torch.Generator().manual_seed(2))
    (together * factors).sum().backward()
    ours = {name: each.grad for name, each in fused.named_parameters() if each.grad is not None}
    assert_same_gradients(ours, expected, 1e-12, noise=1e-3)


def test_each_replica_has_its_own_decoder(bert: Path) -> None:
    fused = fuse_head(splade(bert).eval())
    one, other = replica(fused), replica(fused)
    decoder = other[0].model.get_output_embeddings()
    decoder.bias = decoder.bias + 1
    vectors = [network(batch())["sentence_embedding"].expm1() for network in (one, other)]
    active = vectors[0] > 0
    torch.testing.assert_close(vectors[1][active], vectors[0][active] + 1)


def test_a_second_call_does_nothing(bert: Path) -> None:
    once = fuse_head(splade(bert))
    hooks, forward = dict(once[0]._forward_hooks), once[1].forward
    assert fuse_head(once) is once
    assert dict(once[0]._forward_hooks) == hooks
    assert once[1].forward is forward


def test_the_probe_leaves_modes_and_random_numbers_alone(bert: Path) -> None:
    model = splade(bert)
    model[0].model.bert.embeddings.eval()
    modes = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    fuse_head(model)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)


def test_sum_pooling_stays_as_it_is(bert: Path, caplog: pytest.LogCaptureFixture) -> None:
    stock, fused = twins(splade(bert, pooling_strategy="sum").eval())
    assert "only max pooling can be fused, and this is sum pooling" in caplog.text
    assert torch.equal(dense(stock), dense(fused))


class ScaledLogits(torch.nn.Module):
    """A head that does more than its decoder, as some custom code does."""

    def __init__(self, head: torch.nn.Module) -> None:
        super().__init__()
        self.predictions = head.predictions

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.predictions(hidden) / 2


def test_a_head_that_goes_on_after_its_decoder_stays_as_it_is(bert: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = splade(bert).eval()
    model[0].model.cls = ScaledLogits(model[0].model.cls)
    stock, fused = twins(model)
    assert "BertForMaskedLM does more to the logits than its decoder does" in caplog.text
    assert torch.equal(dense(stock), dense(fused))


def test_a_decoder_that_is_no_linear_layer_stays_as_it_is(bert: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = splade(bert).eval()
    decoder = model[0].model.get_output_embeddings()
    model[0].model.set_output_embeddings(torch.nn.utils.parametrizations.weight_norm(decoder))
    fuse_head(model)
    assert "its vocabulary decoder is ParametrizedLinear, not a Linear layer" in caplog.text
    assert not is_fused(model[0])


def test_a_model_without_such_a_head_is_not_touched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="sparse_train")
    model = SparseEncoder(str(save_csr(tmp_path / "model")), device="cpu")
    fuse_head(model)
    assert not caplog.text
    assert not is_fused(model[0])
