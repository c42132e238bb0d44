"""The quality gate: BEIR folders are read strictly, and the figures are those of sentence-transformers."""

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sparse_export.errors import InputError, QualityError
from sparse_export.retrieval import search
from sparse_export.retrieval.beir import Collection, read_collection
from sparse_export.retrieval.metrics import Quality, compare, evaluate, measure, rank

WHO = ("the baker", "a young nurse", "our neighbour", "the old sailor", "her brother", "a tired teacher")
WHAT = ("repairs bicycles", "grows tomatoes", "plays the violin", "writes letters", "feeds the pigeons")
WHERE = ("in the garden", "behind the station", "on the roof", "near the harbour", "in the kitchen")
QUERIES = {  # text, and what a document must hold to be relevant
    "q1": ("music made by a sailor", "the old sailor", "plays the violin"),
    "q2": ("who can fix my bike?", "", "repairs bicycles"),
    "q3": ("vegetables on top of the house", "on the roof", "grows tomatoes"),
    "q4": ("birds that get bread from the baker", "the baker", "feeds the pigeons"),
    "q5": ("mail of a family member", "her brother", "writes letters"),
    "q6": ("close to the ships", "near the harbour", ""),
}


def make_collection() -> Collection:
    texts = [f"In the morning {who} {what} {where}." for who, what, where in itertools.product(WHO, WHAT, WHERE)]
    documents = {f"d{number}": text for number, text in enumerate(texts)}
    qrels = {
        key: {name: 1 for name, text in documents.items() if first in text and second in text}
        for key, (_, first, second) in QUERIES.items()
    }
    # Every query meets every document in "morning": sentence-transformers fills its 100 places with documents of score
    # 0 in no particular order, where an inverted index finds nothing more.
    queries = {key: f"{query} in the morning" for key, (query, _, _) in QUERIES.items()}
    return Collection(documents, queries, qrels)


def write(folder: Path, collection: Collection) -> Path:
    """Write a collection as BEIR does, with titles."""
    (folder / "qrels").mkdir(parents=True)
    parts = {key: text.split(" ", 1) for key, text in collection.documents.items()}
    corpus = [{"_id": key, "title": title, "text": text} for key, (title, text) in parts.items()]
    queries = [{"_id": key, "text": text, "metadata": {}} for key, text in collection.queries.items()]
    for name, records in (("corpus", corpus), ("queries", queries)):
        folder.joinpath(f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    rows = [f"{key}\t{name}\t{grade}" for key, grades in collection.qrels.items() for name, grade in grades.items()]
    (folder / "qrels/test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]), "utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = {"d1": "a red apple", "d2": "a green pear"}
    return write(tmp_path / "beir", Collection(documents, {"q1": "red fruit", "q2": "pears"}, {"q1": {"d1": 1}}))


def test_reads_what_beir_writes(folder: Path) -> None:
    collection = read_collection(folder)
    assert collection.documents == {"d1": "a red apple", "d2": "a green pear"}
    assert collection.queries == {"q1": "red fruit"}  # q2 is not judged
    assert collection.qrels == {"q1": {"d1": 1}}


def test_round_trip_of_a_larger_collection(tmp_path: Path) -> None:
    collection = make_collection()
    read = read_collection(write(tmp_path / "beir", collection))
    assert read == collection
    assert list(read.documents) == list(collection.documents)


@pytest.mark.parametrize("title", [None, "", "  "])
def test_an_empty_title_adds_nothing(folder: Path, title: str | None) -> None:
    (folder / "corpus.jsonl").write_text(json.dumps({"_id": "d1", "title": title, "text": "plum "}), "utf-8")
    assert read_collection(folder).documents == {"d1": "plum"}


def test_line_separators_inside_a_text_do_not_split_it(folder: Path) -> None:
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write('\r\n{"_id": "d3", "text": "one\u2028two\x85three"}\r\n\n')
    assert read_collection(folder).documents["d3"] == "one\u2028two\x85three"


TEXT_ERRORS = {
    "json": (b'{"_id": "x", "text": ', r"not JSON"),
    "deep": (b"[" * 200_000, r"not JSON"),
    "array": (b'["x", "y"]', r"expected a JSON object, got list"),
    "no id": (b'{"id": "x", "text": "y"}', r"'_id' is missing; the line has 'id', 'text'"),
    "no text": (b'{"_id": "x"}', r"'text' is missing"),
    "number": (b'{"_id": 7, "text": "y"}', r"'_id' must be a string, got int"),
    "title": (b'{"_id": "x", "title": 1, "text": "y"}', r"'title' must be a string, got int"),
    "utf-8": (b'{"_id": "x", "text": "caf\xe9"}', r"not UTF-8: .* at byte 25"),
    "surrogate": (b'{"_id": "x", "text": "a\\ud83d"}', r"'text' holds a lone surrogate at character 1"),
    "twice": (b'{"_id": "taken", "text": "y"}', r"'taken' is already taken"),
}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
@pytest.mark.parametrize("case", TEXT_ERRORS)
def test_a_malformed_text_names_file_and_line(folder: Path, name: str, case: str) -> None:
    line, message = TEXT_ERRORS[case]
    (folder / name).write_bytes(b'{"_id": "taken", "text": "z"}\n\n' + line + b"\n")
    with pytest.raises(InputError, match=rf"{name}:3: .*{message}"):
        read_collection(folder)


QRELS_ERRORS = {
    "other header": (b"query\tdocument\tscore\n", r"test.tsv:1: the score must be an integer .* got 'score'"),
    "empty": (b"", r"test.tsv: holds no judgement"),
    "no rows": (b"query-id\tcorpus-id\tscore\n", r"test.tsv: holds no judgement"),
    "columns": (b"query-id\tcorpus-id\tscore\nq1\td1\t1\nq1 d1 1\n", r"test.tsv:3: expected query-id.* got 1 columns"),
    "trec": (b"query-id\tcorpus-id\tscore\nq1\t0\td1\t1\n", r"test.tsv:2: expected query-id.* got 4 columns"),
    "float": (b"query-id\tcorpus-id\tscore\nq1\td1\t0.5\n", r"test.tsv:2: the score must be an integer .* got '0.5'"),
    "negative": (b"query-id\tcorpus-id\tscore\nq1\td1\t-1\n", r"test.tsv:2: .* 0 or more, got '-1'"),
    "utf-8": (b"query-id\tcorpus-id\tscore\nq1\td\xff\t1\n", r"test.tsv:2: not UTF-8"),
    "query": (b"query-id\tcorpus-id\tscore\nq8\td1\t1\nq9\td1\t1\n", r"2 ids are not in queries.jsonl, .* 'q8'"),
    "document": (b"query-id\tcorpus-id\tscore\nq1\td9\t1\nq1\td1\t1\n", r"1 ids are not in corpus.jsonl, .* 'd9'"),
}


@pytest.mark.parametrize("case", QRELS_ERRORS)
def test_malformed_judgements_name_file_and_line(folder: Path, case: str) -> None:
    content, message = QRELS_ERRORS[case]
    (folder / "qrels/test.tsv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_collection(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: cannot be read: No such file"):
        read_collection(folder)


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_an_empty_file_is_an_error(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\n")
    with pytest.raises(InputError, match=rf"{name}: holds no text"):
        read_collection(folder)


def test_figures_equal_those_of_sentence_transformers(splade_tiny: Path) -> None:
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.evaluation import SparseInformationRetrievalEvaluator

    model = SparseEncoder(str(splade_tiny), device="cpu")
    collection = make_collection()
    relevant = {key: set(grades) for key, grades in collection.qrels.items()}
    judge = SparseInformationRetrievalEvaluator(
        collection.queries, collection.documents, relevant, ndcg_at_k=[10], precision_recall_at_k=[100], write_csv=False
    )
    expected = judge(model)
    got = measure(
        collection,
        lambda texts: csr_matrix(model.encode_query(texts).to_dense().numpy()),
        lambda texts: csr_matrix(model.encode_document(texts).to_dense().numpy()),
    )
    assert 0.1 < got.ndcg_at_10 < 0.9  # neither trivial nor hopeless, or else equality would prove little
    assert 0.1 < got.recall_at_100 < 1
    assert got.ndcg_at_10 == pytest.approx(expected["dot_ndcg@10"], abs=1e-6)
    assert got.recall_at_100 == pytest.approx(expected["dot_recall@100"], abs=1e-6)
    assert got.query_active_dims == pytest.approx(expected["query_active_dims"], rel=1e-5)
    assert got.document_active_dims == pytest.approx(expected["corpus_active_dims"], rel=1e-5)
    assert got.flops == pytest.approx(expected["avg_flops"], rel=1e-5)


def test_equal_scores_are_ordered_by_id_and_the_unrelated_is_not_found() -> None:
    documents = csr_matrix(np.array([[1, 0], [2, 0], [1, 0], [0, 3], [1, 0]], dtype=np.float32))
    query = csr_matrix(np.array([[1, 0]], dtype=np.float32))
    ids = ["d", "a", "c", "e", "b"]
    assert list(rank(query, documents, ids)) == [["a", "b", "c", "d"]]
    assert list(rank(query, documents, ids, depth=2)) == [["a", "b"]]


def test_blocks_and_the_order_of_documents_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(0)
    rows = np.array([[generator.choice((0, 0, 1, 2)) for _ in range(8)] for _ in range(300)], dtype=np.float32)
    ids = [f"d{number}" for number in range(280)]
    queries, documents = csr_matrix(rows[280:]), csr_matrix(rows[:280])
    expected = list(rank(queries, documents, ids))
    assert expected[0] == _brute_force(rows[280], rows[:280], ids)
    order = generator.sample(range(280), 280)
    monkeypatch.setattr(search, "BLOCK_SCORES", 600)
    assert list(rank(queries, documents[order], [ids[number] for number in order])) == expected


def _brute_force(query: np.ndarray, documents: np.ndarray, ids: list[str]) -> list[str]:
    scores = documents @ query
    return [ids[row] for row in sorted(np.flatnonzero(scores), key=lambda row: (-scores[row], ids[row]))[:100]]


def test_grades_count_and_stored_zeros_are_not_active() -> None:
    documents = csr_matrix(np.array([[2, 1], [1, 1]], dtype=np.float32))
    query = csr_matrix((np.array([1, 0], np.float32), ([0, 0], [0, 1])), shape=(1, 2))
    texts = {"d1": "x", "d2": "y"}
    good = evaluate(query, documents, Collection(texts, {"q": "z"}, {"q": {"d1": 2, "d2": 1}}))
    poor = evaluate(query, documents, Collection(texts, {"q": "z"}, {"q": {"d1": 1, "d2": 2}}))
    assert good == Quality(1.0, 1.0, query_active_dims=1.0, document_active_dims=2.0, flops=1.0)
    assert poor.ndcg_at_10 == pytest.approx((1 + 2 / np.log2(3)) / (2 + 1 / np.log2(3)))


def test_a_query_that_finds_nothing_counts_as_zero() -> None:
    documents, queries = csr_matrix(np.eye(2, dtype=np.float32)), csr_matrix(np.array([[1, 0], [0, 0]], np.float32))
    collection = Collection({"d1": "x", "d2": "y"}, {"q1": "x", "q2": ""}, {"q1": {"d1": 1}, "q2": {"d2": 1}})
    assert evaluate(queries, documents, collection).ndcg_at_10 == pytest.approx(0.5)


def test_shapes_that_do_not_fit_are_an_error() -> None:
    collection = Collection({"d1": "x"}, {"q1": "y"}, {"q1": {"d1": 1}})
    with pytest.raises(ValueError, match=r"do not fit \(1, 1\) texts"):
        evaluate(csr_matrix((1, 3)), csr_matrix((1, 4)), collection)


@pytest.mark.parametrize(("ndcg", "passes"), [(0.5, True), (0.495, True), (0.49, False), (0.0, False), (np.nan, False)])
def test_the_gate(ndcg: float, passes: bool) -> None:
    reference = Quality(0.5, 0.8, 20.0, 200.0, 1.5)
    export = Quality(ndcg, 0.75, 20.0, 200.0, 1.5)
    if passes:
        compare(reference, export, min_ndcg_ratio=0.99)
        return
    with pytest.raises(QualityError, match=r"PyTorch's 0\.5000; at least 99\.00% .* 0\.7500, PyTorch 0\.8000"):
        compare(reference, export, min_ndcg_ratio=0.99)


def test_the_gate_refuses_a_collection_that_cannot_judge() -> None:
    nothing = Quality(0.0, 0.0, 20.0, 200.0, 1.5)
    with pytest.raises(QualityError, match="cannot check the export"):
        compare(nothing, nothing, min_ndcg_ratio=0.99)
