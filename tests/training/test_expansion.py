"""ExpansionLoss: a dimension that no text gives becomes active in the texts that it explains."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from fused_models import splade, without_dropout
from sentence_transformers import SparseEncoder
from tiny_checkpoints import VOCABULARY

from sparse_train import fuse_head
from sparse_train.expansion import ExpansionLoss

TEXTS = ["whale", "the violin code", "museum"]
EXPLANATIONS = ["fish in the sea", "music , law", "a search engine for leaf"]


def tokenized(model: SparseEncoder, texts: list[str]) -> dict[str, Any]:
    return dict(model.preprocess(texts))


def batches(model: SparseEncoder) -> list[dict[str, Any]]:
    return [tokenized(model, TEXTS), tokenized(model, EXPLANATIONS)]


def expected_terms(model: SparseEncoder, negatives: float) -> tuple[float, float]:
    """Compute the documented formula text by text, from stock logits."""
    text, explanation = batches(model)
    words = {token for side in (text, explanation) for row in side["input_ids"].tolist() for token in row}
    model.eval()
    with torch.no_grad():
        logits = [model[0](dict(side))["token_embeddings"] for side in (text, explanation)]
    first, second = [], []
    for row in range(len(TEXTS)):
        peaks, own = [], []
        for side, values in zip((text, explanation), logits, strict=True):
            length = int(side["attention_mask"][row].sum())
            peaks.append(values[row, :length].amax(0).tolist())
            own.append(set(side["input_ids"][row, :length].tolist()))
        weights = {v: max(math.log1p(max(peaks[i][v], 0)) if v in own[i] else 0 for i in (0, 1)) for v in words}
        total = sum(weights.values())
        wanted = {v: math.expm1(y) for v, y in weights.items() if y > 0}
        first.append(sum(weights[v] / total * math.log1p(math.exp(z - peaks[0][v])) for v, z in wanted.items()))
        second.append(math.log(1 + sum(math.exp(peaks[0][v]) for v in words if weights[v] == 0)))
    return sum(first) / len(TEXTS), negatives * sum(second) / len(TEXTS)


def test_it_is_the_documented_formula(material: Path) -> None:
    model = without_dropout(splade(material / "bert"))
    expected = expected_terms(model, negatives=0.5)
    model = fuse_head(model)
    terms = ExpansionLoss(model, negatives=0.5)(batches(model))
    assert [term.item() for term in terms.values()] == pytest.approx(expected, rel=1e-5)


def test_it_wakes_every_word_of_the_explanations(material: Path) -> None:
    model = fuse_head(without_dropout(splade(material / "bert")))
    loss = ExpansionLoss(model)
    text, explanation = batches(model)
    everything = torch.arange(len(VOCABULARY))
    explained = loss._own_logits(explanation, everything) > 0
    asleep = explained & (loss._logits(text, everything) < 0)
    assert asleep.any()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(100):
        optimizer.zero_grad()
        sum(loss([text, explanation]).values()).backward()
        optimizer.step()
    assert (model.eval().encode(TEXTS, convert_to_sparse_tensor=False)[:, everything] > 0)[asleep].all()


def test_the_teacher_stays_as_it_is(material: Path) -> None:
    model = fuse_head(splade(material / "bert"))
    loss = ExpansionLoss(model)
    trained = [parameter for parameter in loss.parameters() if parameter.requires_grad]
    assert {id(one) for one in trained} == {id(one) for one in model.parameters()}
    text, everything = tokenized(model, TEXTS), torch.arange(len(VOCABULARY))
    before = loss._own_logits(text, everything)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.5)
    assert torch.equal(loss._own_logits(text, everything), before)


def test_other_models_are_refused(material: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="this is none"):
        ExpansionLoss(SparseEncoder(str(material / "csr"), device="cpu"))
    with pytest.raises(ValueError, match="fused_head: true"):
        ExpansionLoss(splade(material / "bert"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="one process"):
        ExpansionLoss(fuse_head(splade(material / "bert")))
