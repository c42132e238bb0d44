"""Recipes are checked before torch is loaded, and say what is wrong where."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparse_train.errors import RecipeError
from sparse_train.recipe.load import read_recipe

Write = Callable[[dict[str, Any]], Path]

# What --set breaks in a good recipe of each family, and what the error must say: the path of the key, what is allowed.
FAULTS = [
    ("splade", "architekture=splade", ("architekture", "unknown key", "Did you mean 'architecture'?")),
    ("splade", "architecture=bm25", ("architecture:", "bm25", "inference-free, splade")),
    ("splade", "model.pooling=mean", ("model.pooling", "max, sum")),
    ("splade", "model.k=8", ("model.k", "unknown key", "pooling")),
    ("csr", "model.pooling=max", ("model.pooling", "unknown key", "k_aux")),
    ("splade", "model.max_length=long", ("model.max_length", "int | None", "'long' (str)")),
    ("splade", "fused_head=1", ("fused_head", "bool")),
    ("splade", "data.train.0.limit=0", ("data.train.0.limit", "1 or more")),
    ("splade", "data.train.0.colums=[a]", ("data.train.0.colums", "columns")),
    ("splade", "data.train.0.sql=SELECT 1", ("data.train.0.sql", "URL")),
    ("splade", "data.train=[]", ("data.train", "at least one")),
    ("splade", "data.sampling=zigzag", ("data.sampling", "proportional, round_robin")),
    ("splade", "training.learning_rte=1", ("training.learning_rte", "learning_rate")),
    ("splade", "training.max_steps=many", ("training.max_steps", "int")),
    ("splade", "training.bf16=1", ("training.bf16", "bool")),
    ("splade", "training.output_dir=x", ("training.output_dir", "output")),
    ("splade", "training.eval_strategy=steps", ("training.eval_strategy", "evaluators or data.eval")),
    ("splade", "training.router_mapping={query: query}", ("training.router_mapping", "no routes")),
    ("inference-free", "training.router_mapping={}", ("training.router_mapping", "query or a document")),
    ("splade", "loss=SpladeLos", ("loss", "SpladeLos", "'SpladeLoss'")),
    ("splade", "loss=SpladeLoss", ("loss.SpladeLoss", "document_regularizer_weight, loss must be given")),
    ("splade", "loss=null", ("loss: must be given",)),
    ("splade", "loss=FlopsLoss", ("FlopsLoss", "regularizer")),
    ("splade", "loss=SparseMarginMSELoss", ("loss.SparseMarginMSELoss", "SpladeLoss or CSRLoss")),
    ("splade", "loss=CSRLoss", ("CSRLoss trains csr", "SpladeLoss")),
    ("csr", "loss=ExpansionLoss", ("ExpansionLoss trains architecture splade",)),
    (
        "csr",
        "loss={SpladeLoss: {loss: SparseTripletLoss, document_regularizer_weight: 1}}",
        ("trains SPLADE", "CSRLoss"),
    ),
    ("splade", "loss.SpladeLoss.loss=FlopsLoss", ("loss.SpladeLoss.loss", "SparseTripletLoss")),
    ("splade", "loss.SpladeLoss.document_regularizer=SparseTripletLoss", ("document_regularizer", "FlopsLoss")),
    ("splade", "loss.SpladeLoss.query_regularizer_weight=much", ("query_regularizer_weight", "float | None")),
    ("splade", "loss.SpladeLoss.loss.SparseMultipleNegativesRankingLoss.scal=2", ("RankingLoss.scal", "scale")),
    (
        "splade",
        "loss.SpladeLoss.loss.SparseMultipleNegativesRankingLoss.similarity_fct=cosine",
        ("similarity_fct", "dot_score"),
    ),
    ("splade", "evaluators=[SparseNanoBEIREvaluatr]", ("evaluators.0", "SparseNanoBEIREvaluator")),
    ("splade", "evaluators=SparseNanoBEIREvaluator", ("evaluators", "list", "dash")),
    ("splade", "evaluators=[SparseTripletEvaluator]", ("evaluators.0.SparseTripletEvaluator", "anchors, negatives")),
    ("splade", "evaluators=[{SparseTripletEvaluator: {beir: x}}]", ("beir", "unknown key")),
    ("splade", "callbacks=[WandB]", ("callbacks.0", "WandbCallback")),
    ("csr", "callbacks=[SpladeRegularizerWeightSchedulerCallback]", ("callbacks.0", "SpladeLoss")),
    ("splade", "data.eval=[{source: a.csv, loss: CSRLoss}]", ("data.eval.0.loss", "no effect")),
    ("splade", "nothing", ("--set nothing", "key=value")),
    ("splade", "data.train.7.limit=1", ("--set data.train.7.limit=1", "from 0 to 0")),
]


@pytest.mark.parametrize(("family", "change", "expected"), FAULTS, ids=[fault[1][:40] for fault in FAULTS])
def test_a_fault_is_named_with_its_path_and_what_is_allowed(
    family: str, change: str, expected: tuple[str, ...], recipes: dict[str, Any], write: Write
) -> None:
    path = write(recipes[family])
    read_recipe(path)
    with pytest.raises(RecipeError) as error:
        read_recipe(path, [change])
    assert str(error.value).startswith(f"{path}: ")
    for part in expected:
        assert part in str(error.value)


def test_a_missing_key_is_named(recipes: dict[str, Any], write: Write) -> None:
    del recipes["splade"]["output"]
    with pytest.raises(RecipeError, match="output must be given"):
        read_recipe(write(recipes["splade"]))


def test_numbers_and_words_are_what_they_look_like(recipes: dict[str, Any], write: Write) -> None:
    changes = [
        "training.learning_rate=5e-5",
        "data.train.0.columns={no: query, on: answer}",
        "training.weight_decay=.1",
    ]
    recipe = read_recipe(write(recipes["splade"]), changes)
    assert recipe.training["learning_rate"] == 5e-5
    assert recipe.training["weight_decay"] == 0.1
    assert recipe.data.train[0].columns == {"no": "query", "on": "answer"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a: 1\na: 2", 'line 2: found duplicate key "a"'), ("a: [", "line 1: expected the node content"), ("- a", "list")],
)
def test_broken_yaml(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(RecipeError, match=expected):
        read_recipe(tmp_path / "broken.yaml")


def test_several_data_sets(recipes: dict[str, Any], write: Write) -> None:
    recipe = recipes["splade"]
    recipe["data"]["train"] *= 2
    with pytest.raises(RecipeError, match="2 data sets are named 'data'"):
        read_recipe(write(recipe))
    recipe["data"]["train"] = [
        {"source": "a.csv", "name": "a", "loss": recipe.pop("loss")},
        {"source": "b.csv", "name": "b"},
    ]
    with pytest.raises(RecipeError, match=r"data\.train\.1 \(b\) has no loss of its own"):
        read_recipe(write(recipe))


def test_the_command_checks_before_torch_is_loaded(recipes: dict[str, Any], write: Write) -> None:
    script = "import sys\nfrom sparse_train.cli import main\ntry:\n    main()\nfinally:\n    print(*sys.modules)"
    arguments = [str(write(recipes["splade"])), "--set", "training.nonsense=1"]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "training.nonsense: unknown key" in done.stderr
    assert "Traceback" not in done.stderr
    assert not {"torch", "transformers", "sentence_transformers", "datasets"} & {*done.stdout.split()}


def test_a_shipped_recipe_is_found_by_its_name() -> None:
    assert read_recipe(Path("wordnet-splade")).architecture == "splade"
    with pytest.raises(RecipeError, match=r"wordnet-spalde: no such file; .* wordnet-splade"):
        read_recipe(Path("wordnet-spalde"))
