"""Random models of 32 dimensions, word salad to train on, and a recipe for each family."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sparse_train.model.fused import saved_tensors
from support.small_recipes import ROUTES, SPLADE_LOSS, TRAINING, Recipe, sentence, write_rows
from support.tiny_checkpoints import VOCABULARY, save_csr, save_masked_lm


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fused head treat the tensors of the tests' small models like those of large ones."""
    monkeypatch.setattr(saved_tensors, "SMALL", 0)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models `bert` and `dense`, `pairs.jsonl`, and the collection `beir`."""
    folder = tmp_path_factory.mktemp("material")
    save_masked_lm(folder / "bert", "bert", vocab_size=len(VOCABULARY))
    save_csr(folder / "csr")
    (folder / "csr-bare").rename(folder / "dense")
    generator = random.Random(0)
    rows = [{"query": sentence(generator, 3), "answer": sentence(generator, 8)} for _ in range(200)]
    write_rows(folder / "pairs.jsonl", rows)
    (folder / "beir" / "qrels").mkdir(parents=True)
    write_rows(
        folder / "beir" / "corpus.jsonl", [{"_id": f"d{i}", "text": row["answer"]} for i, row in enumerate(rows)]
    )
    write_rows(
        folder / "beir" / "queries.jsonl", [{"_id": f"q{i}", "text": row["query"]} for i, row in enumerate(rows)]
    )
    lines = "".join(f"q{i}\td{i}\t1\n" for i in range(20))
    (folder / "beir" / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}", encoding="utf-8")
    return folder


@pytest.fixture
def recipes(material: Path, tmp_path: Path) -> dict[str, Recipe]:
    """A recipe for each family."""
    data = {"train": [{"source": str(material / "pairs.jsonl")}]}
    common = {"data": data, "training": TRAINING, "output": str(tmp_path / "out")}
    bert, dense = str(material / "bert"), str(material / "dense")
    splade = {"architecture": "splade", "model": {"name": bert}, "loss": SPLADE_LOSS, **common}
    free = {**splade, "architecture": "inference-free", "training": {**TRAINING, "router_mapping": ROUTES}}
    csr = {"architecture": "csr", "model": {"name": dense, "k": 8, "k_aux": 16}, "loss": "CSRLoss", **common}
    return copy.deepcopy({"splade": splade, "inference-free": free, "csr": csr})


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Recipe], Path]:
    """Write a recipe to a file."""

    def write_recipe(recipe: Recipe) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
        return path

    return write_recipe
