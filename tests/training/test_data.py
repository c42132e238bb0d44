"""Data in every format, its columns, and the checks against the loss before training."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from sparse_train.data.beir import read_beir
from sparse_train.data.checks import check_router, check_rows
from sparse_train.data.load import BUILDERS, load_dataset
from sparse_train.errors import DataError
from sparse_train.recipe.schema import Component
from sparse_train.recipe.schema import Dataset as Source

ROWS = {"question": ["a, b", "c"], "id": [7, 8], "answer": ["d", 'e "f"']}


def _table(_path: Path) -> datasets.Dataset:
    return datasets.Dataset.from_dict(ROWS)


def _arrow(path: Path) -> None:
    with datasets.arrow_writer.ArrowWriter(path=str(path), features=_table(path).features) as writer:
        for row in _table(path):
            writer.write(row)
        writer.finalize()


WRITERS: dict[str, Callable[[Path], Any]] = {
    ".csv": lambda path: _table(path).to_csv(path),
    ".tsv": lambda path: _table(path).to_csv(path, sep="\t"),
    ".json": lambda path: path.write_text(json.dumps(_table(path).to_list())),
    ".jsonl": lambda path: _table(path).to_json(path),
    ".parquet": lambda path: _table(path).to_parquet(path),
    ".arrow": _arrow,
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_every_format_is_tried() -> None:
    assert WRITERS.keys() == BUILDERS.keys()


@pytest.mark.parametrize("suffix", WRITERS)
def test_files(suffix: str, tmp_path: Path) -> None:
    WRITERS[suffix](tmp_path / f"rows{suffix}")
    source = Source(source=str(tmp_path / f"rows{suffix}"), columns={"query": "question", "document": "answer"})
    assert load_dataset(source, "data").to_dict() == {"query": ROWS["question"], "document": ROWS["answer"]}


def test_saved_folder_slice_glob_and_order(tmp_path: Path) -> None:
    _table(tmp_path).save_to_disk(tmp_path / "saved")
    rows = load_dataset(Source(source=str(tmp_path / "saved"), columns=["answer", "question"]), "data")
    assert rows.column_names == ["answer", "question"]
    for name in ("a", "b"):
        WRITERS[".csv"](tmp_path / f"{name}.csv")
    rows = load_dataset(Source(source=str(tmp_path / "*.csv"), split="train[1:]", limit=2), "data")
    assert rows["question"][:] == ["c", "a, b"]


def test_database(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE pairs (question TEXT, answer TEXT)")
        connection.executemany("INSERT INTO pairs VALUES (?, ?)", [("a", "b"), ("c", "d")])
    connection.close()
    source = Source(source=f"sqlite:///{tmp_path / 'rows.db'}", sql="SELECT answer, question FROM pairs")
    assert load_dataset(source, "data").to_dict() == {"answer": ["b", "d"], "question": ["a", "c"]}


def test_ids_become_texts(tmp_path: Path) -> None:
    texts = datasets.Dataset.from_dict({"pid": ["p1", "p2"], "passage": ["one", "two"]})
    texts.to_parquet(tmp_path / "texts.parquet")
    pairs = datasets.Dataset.from_dict({"query": ["q"], "positive": ["p2"], "negative": ["p1"], "score": [0.5]})
    pairs.to_parquet(tmp_path / "pairs.parquet")
    from sparse_train.recipe.schema import Lookup

    lookup = Lookup(source=str(tmp_path / "texts.parquet"), key="pid", text="passage")
    source = Source(
        source=str(tmp_path / "pairs.parquet"),
        resolve={"positive": lookup, "negative": lookup},
        columns=["positive", "negative", "score"],
    )
    assert load_dataset(source, "data").to_list() == [{"positive": "two", "negative": "one", "score": 0.5}]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source(source="missing.csv"), "there is no file missing.csv"),
        (Source(source="rows.jsonl", columns=["nothing"]), "no column nothing; it has question, id, answer"),
        (Source(source="broken.jsonl"), "broken.jsonl cannot be read"),
        (Source(source="notes.txt"), "must end in .csv"),
    ],
)
def test_unreadable(source: Source, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS[".jsonl"](Path("rows.jsonl"))
    Path("broken.jsonl").write_text("{")
    Path("notes.txt").write_text("a")
    with pytest.raises(DataError) as error:
        load_dataset(source, "data.train.0")
    assert str(error.value).startswith("data.train.0")
    assert expected in str(error.value)


def splade(inner: str) -> Component:
    return Component("SpladeLoss", {"loss": Component(inner, {}), "document_regularizer_weight": 1.0})


RANKING, MARGINS = splade("SparseMultipleNegativesRankingLoss"), splade("SparseMarginMSELoss")
SCORES, PAIR = splade("SparseDistillKLDivLoss"), splade("SparseCoSENTLoss")
AB = {"a": ["x", "y"], "b": ["x", "y"]}
ABC = {**AB, "c": ["x", "y"]}
FAULTS = [
    (RANKING, {"a": ["x"]}, "1 columns of text (a)"),
    (RANKING, {**AB, "score": [1.0, 2.0]}, "'score' is not used"),
    (RANKING, {**AB, "c": ["x", None]}, "Row 1, column 'c' is missing"),
    (RANKING, {**AB, "c": ["x", "  "]}, "Row 1, column 'c' is empty"),
    (RANKING, {**AB, "id": [1, 2]}, "Row 0, column 'id' is int instead of text"),
    (splade("SparseTripletLoss"), AB, "2 columns of text (a, b)"),
    (splade("SparseTripletLoss"), {**ABC, "d": ["x", "y"]}, "4 columns of text"),
    (PAIR, AB, "no label column"),
    (PAIR, {**AB, "score": [1.0, 2.0], "label": [1, 2]}, "2 label columns (score, label)"),
    (PAIR, {**AB, "score": [1.0, None]}, "Row 1, column 'score' is missing"),
    (PAIR, {**AB, "score": [1.0, float("nan")]}, "Row 1, column 'score' is nan"),
    (PAIR, {**AB, "score": ["1", "2"]}, "Row 0, column 'score' is '1', which is not a number"),
    (PAIR, {**AB, "score": [[1.0], [2.0]]}, "is a list"),
    (SCORES, {**ABC, "score": [1.0, 2.0]}, "is not a list"),
    (SCORES, {**ABC, "score": [[1.0, 2.0], [1.0]]}, "Row 1, column 'score' has 1 numbers, where 2 are needed"),
    (MARGINS, {**ABC, "label": [[1.0, 2.0, 3.0]] * 2}, "has 3 numbers, where 1 or 2 are needed"),
]


@pytest.mark.parametrize(("loss", "columns", "expected"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_rows_that_do_not_fit_the_loss(loss: Component, columns: dict[str, list[Any]], expected: str) -> None:
    with pytest.raises(DataError) as error:
        check_rows(datasets.Dataset.from_dict(columns), loss, "data.train.0")
    assert str(error.value).startswith("data.train.0: ")
    assert expected in str(error.value)
    assert "First rows: {a: 'x'" in str(error.value)
    assert "SpladeLoss expects the columns" in str(error.value)


@pytest.mark.parametrize(
    ("loss", "columns"),
    [
        (RANKING, AB),
        (RANKING, {**ABC, "d": ["x", "y"]}),
        (MARGINS, {**ABC, "score": [1.0, 2.0]}),
        (MARGINS, {**ABC, "label": [[1.0, 2.0]] * 2}),
        (SCORES, {**ABC, "label": [[1.0, 2.0]] * 2}),
        (PAIR, {**AB, "score": [0, 1]}),
        (Component("CSRLoss", {}), AB),
        (Component("CSRReconstructionLoss", {}), {"a": ["x"]}),
        (Component("SparseMSELoss", {}), {"a": ["x"], "label": [[0.5, 1.0, 2.0]]}),
    ],
)
def test_rows_that_fit(loss: Component, columns: dict[str, list[Any]]) -> None:
    check_rows(datasets.Dataset.from_dict(columns), loss, "data.train.0")


def test_the_router_covers_every_column() -> None:
    rows = datasets.Dataset.from_dict({**AB, "score": [1.0, 2.0]})
    check_router(rows, {"a": "query", "b": "document"}, "data", "data.train.0")
    check_router(rows, {"data": {"a": "query", "b": "document"}}, "data", "data.train.0")
    for mapping in ({"a": "query"}, {"a": "query", "b": "passage"}, {"other": {"a": "query", "b": "document"}}):
        with pytest.raises(DataError, match=r"every column must be query or document. First rows"):
            check_router(rows, mapping, "data", "data.train.0")


def test_beir(material: Path, tmp_path: Path) -> None:
    collection = read_beir(material / "beir")
    assert len(collection["queries"]) == 20
    assert len(collection["corpus"]) == 200
    assert collection["relevant_docs"]["q3"] == {"d3"}
    with pytest.raises(DataError, match=r"corpus\.jsonl: cannot be read"):
        read_beir(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("corpus.jsonl", '{"_id": "d1"}', r"corpus\.jsonl:1: the field 'text' is missing"),
        ("queries.jsonl", "no", r"queries\.jsonl:1: not JSON"),
        ("qrels/test.tsv", "q1\td1", r"test\.tsv:1: expected query-id"),
        ("qrels/test.tsv", "q1\td9\t1", r"test\.tsv: 1 ids are not in corpus\.jsonl, the first is 'd9'"),
        ("qrels/test.tsv", "q1\td1\t0", r"judges no document"),
    ],
)
def test_broken_beir(name: str, content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "text": "a"}')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "a"}')
    (tmp_path / "qrels" / "test.tsv").write_text("q1\td1\t1")
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=expected):
        read_beir(tmp_path)
