"""Every loss and evaluator of the library runs from a recipe by its own name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SparseEncoder

from sparse_train import train
from sparse_train.errors import RecipeError, SparseTrainError
from sparse_train.model.build import build_evaluator
from sparse_train.recipe import library
from sparse_train.recipe.load import read_recipe
from sparse_train.recipe.parse import read_evaluator
from support.small_recipes import SPLADE_LOSS, write_rows

Write = Callable[[dict[str, Any]], Path]
TEXTS = ["the train", "a fish in the sea", "bread and water", "search engine"]
PAIR = {"a": TEXTS, "b": TEXTS[::-1]}
TRIPLE = {**PAIR, "c": TEXTS[1:] + TEXTS[:1]}
WEIGHTS = {"document_regularizer_weight": 1e-3, "query_regularizer_weight": 1e-3}


def within(name: str, **arguments: Any) -> dict[str, Any]:
    return {"SpladeLoss": {"loss": {name: arguments}, **WEIGHTS}}


# The family that a loss trains, the loss with an argument of its own, and rows of its format.
SPLADE = SPLADE_LOSS["SpladeLoss"]
LOSSES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "SpladeLoss": (
        "splade",
        {"SpladeLoss": {**SPLADE, "use_document_regularizer_only": True}},
        PAIR,
    ),
    "CachedSpladeLoss": ("splade", {"CachedSpladeLoss": {**SPLADE, "mini_batch_size": 2}}, PAIR),
    "CSRLoss": ("csr", {"CSRLoss": {"gamma": 0.5}}, PAIR),
    "CSRReconstructionLoss": ("csr", {"CSRReconstructionLoss": {"beta": 0.5}}, {"a": TEXTS}),
    "ExpansionLoss": ("splade", {"ExpansionLoss": {"negatives": 0.5}}, PAIR),
    "FlopsLoss": (
        "splade",
        {"SpladeLoss": {**SPLADE, "document_regularizer": {"FlopsLoss": {"threshold": 2}}}},
        PAIR,
    ),
    "SparseMultipleNegativesRankingLoss": (
        "splade",
        within("SparseMultipleNegativesRankingLoss", similarity_fct="cos_sim", directions=["query_to_doc"]),
        TRIPLE,
    ),
    "SparseTripletLoss": ("splade", within("SparseTripletLoss", distance_metric="COSINE"), TRIPLE),
    "SparseMarginMSELoss": ("splade", within("SparseMarginMSELoss"), {**TRIPLE, "score": [1.0, 2.0, 3.0, 4.0]}),
    "SparseDistillKLDivLoss": (
        "splade",
        within("SparseDistillKLDivLoss", temperature=1.5),
        {**TRIPLE, "scores": [[1.0, 0.0]] * 4},
    ),
    "SparseMSELoss": ("csr", {"SparseMSELoss": {}}, {"a": TEXTS, "label": [[0.1] * 128] * 4}),
    "SparseCoSENTLoss": ("splade", within("SparseCoSENTLoss", scale=10), {**PAIR, "score": [0.1, 0.2, 0.8, 0.9]}),
    "SparseAnglELoss": ("splade", within("SparseAnglELoss"), {**PAIR, "score": [0.1, 0.2, 0.8, 0.9]}),
    "SparseCosineSimilarityLoss": (
        "splade",
        within("SparseCosineSimilarityLoss", loss_fct="L1Loss", cos_score_transformation="Sigmoid"),
        {**PAIR, "label": [0.1, 0.2, 0.8, 0.9]},
    ),
}


def rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_every_loss_is_tried() -> None:
    assert LOSSES.keys() == library.losses().keys()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_train(name: str, recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    family, loss, columns = LOSSES[name]
    recipe = recipes[family]
    recipe["data"]["train"][0]["source"] = str(write_rows(tmp_path / "rows.jsonl", rows_of(columns)))
    recipe["training"] |= {"max_steps": 1, "per_device_train_batch_size": 4, "logging_steps": 1, "save_strategy": "no"}
    output = train(read_recipe(write({**recipe, "loss": loss})))
    log = json.loads((tmp_path / "out.run" / "trainer_state.json").read_text())["log_history"]
    assert log[0]["loss"] > 0
    if name != "ExpansionLoss":  # which makes no vectors
        assert log[0]["active_dims"] > 0
    assert SparseEncoder(str(output), device="cpu").encode(TEXTS).shape[0] == 4


def evaluator_arguments(name: str, material: Path, folder: Path) -> dict[str, Any]:
    """Return arguments as a recipe gives them: texts from files."""

    def file(**columns: list[Any]) -> dict[str, Any]:
        path = folder / f"{'-'.join(columns)}.jsonl"
        return {"source": str(write_rows(path, rows_of(columns)))}

    graded = {"sentences1": TEXTS, "sentences2": TEXTS[::-1]}
    samples = file(query=["bread"], positive=[["bread and water"]], negative=[["search engine", "the train"]])
    documents = ["bread and water", "the train"]
    found = file(query_id=["q"], query=["bread"], documents=[documents], positive=[documents[:1]])
    translated = {"source_sentences": TEXTS, "target_sentences": TEXTS}
    return {
        "SparseInformationRetrievalEvaluator": {"beir": str(material / "beir"), "ndcg_at_k": [5]},
        "SparseNanoBEIREvaluator": {"dataset_names": ["msmarco"], "dataset_id": str(nano_beir(folder, material))},
        "SparseTripletEvaluator": {"data": file(anchors=TEXTS, positives=TEXTS, negatives=TEXTS[::-1])},
        "SparseEmbeddingSimilarityEvaluator": {"data": file(**graded, scores=[0.1, 0.2, 0.8, 0.9])},
        "SparseBinaryClassificationEvaluator": {"data": file(**graded, labels=[0, 1, 0, 1])},
        "SparseMSEEvaluator": {"data": file(**translated), "teacher_model": str(material / "csr")},
        "SparseTranslationEvaluator": {"data": file(**translated)},
        "SparseRerankingEvaluator": {"samples": samples, "at_k": 5},
        "ReciprocalRankFusionEvaluator": {"dense_samples": found, "sparse_samples": found},
        "SequentialEvaluator": {"evaluators": [{"SparseTranslationEvaluator": {"data": file(**translated)}}]},
    }[name]


def nano_beir(folder: Path, material: Path) -> Path:
    """Lay a collection out as NanoBEIR is on the hub."""
    nano = folder / "nano"
    nano.mkdir(exist_ok=True)
    configs = ""
    for subset in ("corpus", "queries", "qrels"):
        configs += f"- config_name: {subset}\n  data_files:\n  - {{split: NanoMSMARCO, path: {subset}.jsonl}}\n"
    (nano / "README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    for subset in ("corpus", "queries"):
        (nano / f"{subset}.jsonl").write_bytes((material / "beir" / f"{subset}.jsonl").read_bytes())
    write_rows(nano / "qrels.jsonl", [{"query-id": f"q{i}", "corpus-id": f"d{i}"} for i in range(200)])
    return nano


@pytest.fixture(scope="module")
def encoder(material: Path) -> SparseEncoder:
    return SparseEncoder(str(material / "csr"), device="cpu")


@pytest.mark.parametrize("name", library.evaluators())
def test_evaluators_run(name: str, encoder: SparseEncoder, material: Path, tmp_path: Path) -> None:
    read = read_evaluator({name: evaluator_arguments(name, material, tmp_path)}, "evaluators.0")
    metrics = build_evaluator(read, "evaluators.0")(encoder)
    assert metrics
    assert all(isinstance(value, (int, float)) for value in metrics.values())


def test_an_evaluator_names_the_columns_it_takes(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", rows_of({"anchor": TEXTS}))
    read = read_evaluator({"SparseTripletEvaluator": {"data": {"source": str(rows)}}}, "evaluators.0")
    with pytest.raises(SparseTrainError, match="takes the columns anchors, positives, negatives.*, not anchor"):
        build_evaluator(read, "evaluators.0")


@pytest.mark.parametrize("name", ["WandbCallback", "TensorBoardCallback", "CodeCarbonCallback"])
def test_a_tracker_that_is_not_installed_is_said_before_training(
    name: str, recipes: dict[str, Any], write: Write, tmp_path: Path
) -> None:
    recipe = recipes["splade"] | {"callbacks": [name]}
    with pytest.raises(RecipeError, match=f"callbacks.0.{name}: .*install"):
        train(read_recipe(write(recipe)))
    assert not (tmp_path / "out").exists()


def test_the_scheduler_gets_the_loss(recipes: dict[str, Any], write: Write, tmp_path: Path) -> None:
    scheduler = {"SpladeRegularizerWeightSchedulerCallback": {"scheduler_type": "linear", "warmup_ratio": 1.0}}
    recipe = recipes["splade"] | {"callbacks": [scheduler]}
    recipe["loss"]["SpladeLoss"]["document_regularizer_weight"] = 1.0
    recipe["training"]["logging_steps"] = 1
    train(read_recipe(write(recipe)))
    log = json.loads((tmp_path / "out.run" / "trainer_state.json").read_text())["log_history"]
    weights = [entry["document_regularizer_loss"] for entry in log if "document_regularizer_loss" in entry]
    assert weights[0] == 0
    assert weights[1] < weights[2] < weights[3]
