"""Read a retrieval collection in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/test.tsv."""

from dataclasses import dataclass
from pathlib import Path

from sparse_export.errors import InputError
from sparse_export.retrieval.texts import field, lines, read_object, text_of

QRELS_HEADER = ("query-id", "corpus-id", "score")


@dataclass(frozen=True, slots=True)
class Collection:
    """Texts and the judgements that say which document answers which query.

    Attributes:
        documents: text of every document by id.
        queries: text of every judged query by id; BEIR leaves out the others, so do we.
        qrels: grade (0 or more) by query id and document id.
    """

    documents: dict[str, str]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def read_collection(folder: Path) -> Collection:
    """Read a BEIR folder, for example `read_collection(Path("datasets/nfcorpus"))`.

    Raises:
        InputError: a file is missing, a line is malformed (the message names file and line), or a judgement names
            an id that neither the corpus nor the queries have.
    """
    documents = _read_texts(folder / "corpus.jsonl")
    queries = _read_texts(folder / "queries.jsonl")
    qrels_path = folder / "qrels" / "test.tsv"
    qrels = _read_qrels(qrels_path)
    _check_known(qrels_path, list(qrels), queries, "queries.jsonl")
    _check_known(qrels_path, [key for grades in qrels.values() for key in grades], documents, "corpus.jsonl")
    return Collection(documents, {key: queries[key] for key in qrels}, qrels)


def _read_texts(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for where, line in lines(path):
        record = read_object(where, line)
        key = field(where, record, "_id")
        if key in texts:
            raise InputError(f"{where}: the id {key!r} is already taken by an earlier line.")
        texts[key] = text_of(where, record)
    if not texts:
        raise InputError(f"{path}: holds no text.")
    return texts


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, (where, line) in enumerate(lines(path)):
        columns = tuple(line.split("\t"))
        if number == 0 and columns == QRELS_HEADER:
            continue
        if len(columns) != len(QRELS_HEADER):
            raise InputError(
                f"{where}: expected {', '.join(QRELS_HEADER)} with tabs between, got {len(columns)} columns."
            )
        query, document, score = columns
        qrels.setdefault(query, {})[document] = _parse_score(where, score)
    if not qrels:
        raise InputError(f"{path}: holds no judgement.")
    return qrels


def _parse_score(where: str, score: str) -> int:
    try:
        grade = int(score)
    except ValueError:
        grade = -1
    if grade < 0:  # trec_eval, which computes the metrics, knows no negative grades
        raise InputError(f"{where}: the score must be an integer of 0 or more, got {score!r}")
    return grade


def _check_known(qrels_path: Path, keys: list[str], known: dict[str, str], source: str) -> None:
    unknown = list(dict.fromkeys(key for key in keys if key not in known))
    if unknown:
        raise InputError(f"{qrels_path}: {len(unknown)} ids are not in {source}, the first is {unknown[0]!r}")
