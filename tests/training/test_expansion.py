"""ExpansionLoss: a dimension that no text gives becomes active in the texts that it explains."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SparseEncoder

from sparse_train import fuse_head
from sparse_train.model.expansion import ExpansionLoss
from support.fused_models import splade, without_dropout
from support.tiny_checkpoints import VOCABULARY

PADDING = VOCABULARY.index("[PAD]")
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
    expansion, others = [], []
    for row in range(len(TEXTS)):
        lengths = [int(side["attention_mask"][row].sum()) for side in (text, explanation)]
        first, second = [values[row, :length].amax(0).tolist() for values, length in zip(logits, lengths, strict=True)]
        own = set(text["input_ids"][row, : lengths[0]].tolist())
        weights = {v: math.log1p(max(second[v], first[v] if v in own else 0, 0)) for v in words}
        total = sum(weights.values())
        wanted = {v: math.expm1(y) for v, y in weights.items() if y > 0}
        expansion.append(sum(weights[v] / total * math.log1p(math.exp(z - first[v])) for v, z in wanted.items()))
        others.append(math.log(1 + sum(math.exp(first[v]) for v in words if weights[v] == 0)))
    return sum(expansion) / len(TEXTS), negatives * sum(others) / len(TEXTS)


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
    words = torch.cat([text["input_ids"].flatten(), explanation["input_ids"].flatten()]).unique()
    asleep = (loss._taught_logits(explanation, words) > 0) & (loss._logits(text, words) < 0)
    assert asleep.any()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(100):
        optimizer.zero_grad()
        sum(loss([text, explanation]).values()).backward()
        optimizer.step()
    assert (model.eval().encode(TEXTS, convert_to_sparse_tensor=False)[:, words] > 0)[asleep].all()


def test_padding_is_no_word_of_a_text(material: Path) -> None:
    model = fuse_head(splade(material / "bert"))
    with torch.no_grad():
        model[0].model.get_output_embeddings().bias += 10
    text = tokenized(model, TEXTS)
    own = ExpansionLoss(model)._own_logits(text, torch.arange(len(VOCABULARY)))
    assert (text["input_ids"] == PADDING).any()
    assert not own[:, PADDING].any()
    assert own.count_nonzero() == text["attention_mask"].sum()


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
    with pytest.raises(ValueError, match="this is another model"):
        ExpansionLoss(SparseEncoder(str(material / "csr"), device="cpu"))
    with pytest.raises(ValueError, match="fused_head: true"):
        ExpansionLoss(splade(material / "bert"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="one process"):
        ExpansionLoss(fuse_head(splade(material / "bert")))
