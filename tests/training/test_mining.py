"""Mined negatives are exactly those that the options describe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.sparse import csr_matrix, random_array

from sparse_export.retrieval import search as search_module
from sparse_export.retrieval.search import search
from sparse_train import train
from sparse_train.cli import main
from sparse_train.errors import RecipeError
from sparse_train.mining.hard_negatives import Mined, MiningOptions, Texts, mine, rows_of
from sparse_train.recipe.load import read_recipe


def test_search_is_exact_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    queries, documents = (
        csr_matrix(random_array((count, 50), density=0.2, rng=generator, dtype=np.float32)) for count in (23, 117)
    )
    dense = (queries @ documents.T).toarray()
    for block in (1, 500, 10**6):
        monkeypatch.setattr(search_module, "BLOCK_SCORES", block)
        for number, (rows, scores) in enumerate(search(queries, documents, 10)):
            expected = [row for row in np.lexsort((np.arange(117), -dense[number])) if dense[number, row] > 0][:10]
            assert rows.tolist() == expected
            np.testing.assert_allclose(scores, dense[number, expected], rtol=1e-5)


def test_a_block_holds_few_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "BLOCK_SCORES", 30)
    sizes = []
    real = csr_matrix.__matmul__
    monkeypatch.setattr(csr_matrix, "__matmul__", lambda a, b: (sizes.append(a.shape[0] * b.shape[1]), real(a, b))[1])
    ones = csr_matrix(np.ones((40, 10), np.float32))
    list(search(ones, ones[:10], 5))
    assert max(sizes) == 30


# One query whose scores are the document's own number: d9 is best, d0 scores 0 and is never found.
NAMES = [f"d{number}" for number in range(10)]
DOCUMENTS = csr_matrix(np.arange(10, dtype=np.float32)[:, None])
QUERY = csr_matrix(np.ones((1, 1), np.float32))


def mined(answer: int = 6, rescore: Any = None, **options: Any) -> Mined:
    others = [name for name in NAMES if name != f"d{answer}"]
    texts = Texts([("q", f"d{answer}")], others)
    order = [answer, *(number for number in range(10) if number != answer)]
    return next(mine(texts, QUERY, DOCUMENTS[order], MiningOptions(**options), rescore))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"negatives": 3}, ["d9", "d8", "d7"]),
        ({"negatives": 3, "range_min": 2}, ["d7", "d5", "d4"]),
        ({"negatives": 9, "range_max": 4}, ["d9", "d8", "d7", "d5"]),
        ({"negatives": 2, "absolute_margin": 0.0}, ["d5", "d4"]),
        ({"negatives": 2, "absolute_margin": 2.0}, ["d4", "d3"]),
        ({"negatives": 2, "relative_margin": 0.5}, ["d3", "d2"]),
        ({"negatives": 2, "relative_margin": 0.5, "absolute_margin": 1.0}, ["d3", "d2"]),
        ({"negatives": 9, "max_score": 3.0, "min_score": 2.0}, ["d3", "d2"]),
    ],
)
def test_options(options: dict[str, Any], expected: list[str]) -> None:
    found = mined(**options)
    assert found.negatives == expected
    assert found.scores == [6.0, *(float(name[1:]) for name in expected)]


def test_random_choice_is_within_the_range_and_repeatable() -> None:
    options = {"negatives": 3, "sampling": "random", "absolute_margin": 0.0}
    first = mined(**options, seed=1).negatives
    assert mined(**options, seed=1).negatives == first
    assert set(first) <= {"d5", "d4", "d3", "d2", "d1"}
    assert any(mined(**options, seed=seed).negatives != first for seed in range(2, 9))


def test_another_model_decides_about_margins() -> None:
    def rescore(query: str, texts: Sequence[str]) -> list[float]:
        return [-float(text[1:]) for text in texts]

    found = mined(rescore=rescore, negatives=2, absolute_margin=0.0)
    assert found.negatives == ["d9", "d8"]  # ranks stay, and by the other model the answer is better than these
    assert found.scores == [-6.0, -9.0, -8.0]


def test_no_answer_of_a_query_is_its_negative() -> None:
    texts = Texts([("q", "d9"), ("q", "d8"), ("q", "d9")], NAMES)
    order = [9, 8, *range(8)]
    found = list(mine(texts, QUERY, DOCUMENTS[order], MiningOptions(negatives=1)))
    assert [(one.answer, one.negatives) for one in found] == [("d9", ["d7"]), ("d8", ["d7"])]


def test_formats() -> None:
    found = Mined("q", "a", ["n", "m"], [3.0, 2.0, 1.0])
    triplets = list(rows_of(found, MiningOptions(negatives=2), ("x", "y")))
    assert triplets == [{"x": "q", "y": "a", "negative": "n"}, {"x": "q", "y": "a", "negative": "m"}]
    (row,) = rows_of(found, MiningOptions(negatives=2, format="n-tuple-scores"), ("x", "y"))
    assert row == {"x": "q", "y": "a", "negative_1": "n", "negative_2": "m", "scores": [3.0, 2.0, 1.0]}
    assert not list(rows_of(found, MiningOptions(negatives=3, format="n-tuple"), ("x", "y")))


@pytest.mark.parametrize("options", [{"negatives": 0}, {"range_min": 5, "range_max": 5}, {"range_min": -1}])
def test_impossible_options(options: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match="--"):
        MiningOptions(**options)


def test_a_recipe_trains_on_what_the_command_mines(
    recipes: dict[str, Any], write: Callable[[dict[str, Any]], Path], material: Path, tmp_path: Path
) -> None:
    hard = tmp_path / "hard.jsonl"
    arguments = ["mine", "--model", material / "csr", "--data", material / "pairs.jsonl", "--output", hard]
    done = CliRunner().invoke(main, [*map(str, arguments), "--negatives", "2", "--format", "n-tuple-scores"])
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("rows from 200 pairs\n")
    rows = [json.loads(line) for line in hard.read_text().splitlines()]
    assert list(rows[0]) == ["query", "answer", "negative_1", "negative_2", "scores"]
    recipe = recipes["splade"]
    recipe["data"]["train"] = [{"source": str(hard)}]
    recipe["loss"]["SpladeLoss"]["loss"] = "SparseMarginMSELoss"
    train(read_recipe(write(recipe)))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["format", "sampling"])
def test_a_choice_that_does_not_exist(name: str) -> None:
    with pytest.raises(RecipeError, match=f"--{name}: expected one of t.*, got 'nonsense'"):
        MiningOptions(**{name: "nonsense"})


@pytest.mark.parametrize("option", ["--absolute-margin", "--relative-margin", "--max-score", "--min-score"])
def test_a_number_that_is_none(option: str) -> None:
    """No score is at most NaN: every pair would silently lose its negatives."""
    result = CliRunner().invoke(main, ["mine", option, "nan"])
    assert result.exit_code == 2
    assert "nan is not a finite number" in result.output
