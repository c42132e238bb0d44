"""Every shipped recipe is read, and trains some steps on tiny models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sentence_transformers import SparseEncoder

import sparse_train
from sparse_train.cli import main
from sparse_train.recipe.load import read_recipe
from support.small_recipes import write_rows

FOLDER = Path(sparse_train.__file__).parent / "recipes"
RECIPES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SMALL = {
    "training.max_steps": 2,
    "training.per_device_train_batch_size": 4,
    "training.per_device_eval_batch_size": 4,
    "training.eval_steps": 2,
    "training.save_steps": 2,
    "training.bf16": "false",
    "training.use_cpu": "true",
    "training.metric_for_best_model": "null",
    "training.load_best_model_at_end": "false",
    "training.eval_on_start": "false",
}


def arguments(name: str, material: Path, folder: Path) -> list[str]:
    """Put tiny models and rows with the columns that a recipe asks for in place of its own."""
    recipe = read_recipe(FOLDER / f"{name}.yaml")
    changes: dict[str, Any] = dict(SMALL)
    changes["model.name"] = material / ("dense" if recipe.architecture == "csr" else "bert")
    if recipe.architecture == "csr":
        changes |= {"model.k": 8, "model.k_aux": 16}
    for part in ("train", "eval"):
        for number, dataset in enumerate(getattr(recipe.data, part)):
            assert dataset.columns is not None
            names = list(dataset.columns.values() if isinstance(dataset.columns, dict) else dataset.columns)
            rows = [{column: 0.5 if column == "score" else f"bread {i}" for column in names} for i in range(8)]
            where = f"data.{part}.{number}"
            changes |= {
                f"{where}.source": write_rows(folder / f"{part}{number}.jsonl", rows),
                f"{where}.split": "train",
            }
            changes |= {f"{where}.subset": "null", f"{where}.resolve": "null"}
    beir = json.dumps([{"SparseInformationRetrievalEvaluator": {"beir": str(material / "beir")}}])
    changes |= {"evaluators": beir, "output": folder / "out"}
    return [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]


def test_there_is_a_recipe_for_every_family() -> None:
    assert {read_recipe(FOLDER / f"{name}.yaml").architecture for name in RECIPES} == {
        "splade",
        "inference-free",
        "csr",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name: str, material: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(FOLDER / f"{name}.yaml"), *arguments(name, material, tmp_path)])
    assert done.exit_code == 0, done.output
    assert SparseEncoder(str(tmp_path / "out"), device="cpu").encode(["bread"]).shape[0] == 1


def test_published_settings() -> None:
    splade = read_recipe(FOLDER / "splade-distilbert-nq.yaml").loss
    assert splade is not None
    assert splade.arguments["query_regularizer_weight"] == 5e-5
    assert splade.arguments["document_regularizer_weight"] == 3e-5
    free = read_recipe(FOLDER / "inference-free-splade-distilbert-nq.yaml")
    assert free.loss is not None
    assert free.loss.arguments["query_regularizer_weight"] == 0
    assert free.loss.arguments["document_regularizer_weight"] == 3e-4
    assert list(free.training["learning_rate_mapping"].values()) == [1e-3]
    csr: Any = read_recipe(FOLDER / "csr-mpnet-nq.yaml").model
    assert (csr.hidden_factor, csr.k, csr.k_aux) == (4, 256, 512)
