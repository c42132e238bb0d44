"""Encoding and decoding with the real model."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest

from sparse_client import InputError, LocalEncoder, SparseVector
from sparse_client.texts import CHUNK_TEXTS, chunks

WEATHER = "The weather is lovely today."
TEXTS = ["a", "", WEATHER, "日本語 🙂", "long words " * 700, "Sparse vectors are easy to read.", "two words"]


def difference(left: SparseVector, right: SparseVector) -> float:
    """Return the largest difference of a weight, a missing one being 0."""
    mine, theirs = left.to_dict(), right.to_dict()
    return max((abs(mine.get(key, 0.0) - theirs.get(key, 0.0)) for key in mine.keys() | theirs.keys()), default=0.0)


def test_vectors_are_those_of_pytorch(encoder: LocalEncoder, splade_bundle: Path) -> None:
    # Not splitlines(): a golden text may hold other line ends.
    golden = [
        json.loads(line) for line in (splade_bundle / "golden.jsonl").read_text(encoding="utf-8").split("\n") if line
    ]
    encode = {"document": encoder.encode_documents, "query": encoder.encode_queries}
    assert golden
    for route in {row["route"] for row in golden}:
        rows = [row for row in golden if row["route"] == route]
        vectors = encode[route]([row["text"] for row in rows])
        for row, vector in zip(rows, vectors, strict=True):
            assert difference(vector, SparseVector(row["indices"], row["values"])) <= 1e-4, row["text"][:40]


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_order_and_neighbours_do_not_matter(splade_bundle: Path, encoder: LocalEncoder, batch_size: int) -> None:
    alone = [encoder.encode_documents([text])[0] for text in TEXTS]
    together = LocalEncoder(splade_bundle, batch_size=batch_size).encode_documents(TEXTS)
    assert max(map(difference, alone, together)) <= 1e-5
    assert all((np.diff(vector.values) <= 0).all() for vector in together)


def test_padding_is_gone(encoder: LocalEncoder) -> None:
    vectors = encoder.encode_documents(TEXTS)
    assert len({len(vector) for vector in vectors}) > 3
    assert all((vector.values != 0).all() and (vector.indices >= 0).all() for vector in vectors)


def test_batches_are_of_like_length_and_the_longest_comes_first(splade_bundle: Path, shapes: Any) -> None:
    encoder = LocalEncoder(splade_bundle, batch_size=2)
    encoder.encode_documents(["w", "w " * 30, "w", "w " * 900, "w " * 31])
    assert shapes == [(2, 512), (2, 32), (1, 3)]


def test_a_run_has_few_tokens(splade_bundle: Path, shapes: Any) -> None:
    LocalEncoder(splade_bundle).encode_documents(["w " * 900] * 3 + ["w " * 98] * 11 + ["w"] * 40)
    assert shapes == [(2, 512), (2, 512), (10, 100), (32, 3), (8, 3)]


def test_a_long_list_is_encoded_in_chunks_and_keeps_its_order(
    splade_bundle: Path, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparse_client.bundle.encoding.RUN_TOKENS", 100 * CHUNK_TEXTS)
    encoder = LocalEncoder(splade_bundle, batch_size=CHUNK_TEXTS)
    texts = ["sun", "rain and wind"] * (CHUNK_TEXTS // 2) + [WEATHER]
    vectors = encoder.encode_documents(texts)
    assert [rows for rows, _ in shapes] == [CHUNK_TEXTS, 1]
    tops = [int(vector.indices[0]) for vector in vectors]
    assert len(tops) == len(texts)
    assert tops[:4] == tops[2:6]
    assert tops[0] != tops[1]
    assert vectors[-1] == encoder.encode_documents([WEATHER])[0]


def test_chunks_are_bounded_by_texts_and_characters() -> None:
    texts = ["x" * 3_000_000, "x" * 2_000_000, "x", "x" * 9_000_000, "x"]
    assert [(part.start, part.stop) for part in chunks(texts)] == [(0, 1), (1, 3), (3, 4), (4, 5)]
    assert [(part.start, part.stop) for part in chunks(["x"] * (CHUNK_TEXTS + 1))] == [(0, 1024), (1024, 1025)]
    assert list(chunks([])) == []


def test_max_active_dims_keeps_the_strongest(splade_bundle: Path, encoder: LocalEncoder) -> None:
    cut = LocalEncoder(splade_bundle, max_active_dims=3).encode_documents(TEXTS)
    assert [vector.to_dict() for vector in cut] == [
        vector.top(3).to_dict() for vector in encoder.encode_documents(TEXTS)
    ]


@pytest.mark.parametrize("option", ["threads", "max_active_dims", "batch_size"])
def test_options_below_1_are_refused(splade_bundle: Path, option: str) -> None:
    with pytest.raises(InputError, match=f"{option} is 0, expected 1 or more"):
        LocalEncoder(splade_bundle, **{option: 0})


def test_one_thread_gives_the_same(splade_bundle: Path, encoder: LocalEncoder) -> None:
    single = LocalEncoder(splade_bundle, threads=1)
    assert difference(single.encode_documents([WEATHER])[0], encoder.encode_documents([WEATHER])[0]) <= 1e-5
    session = single._sessions._session("document.onnx")
    assert session.get_session_options().intra_op_num_threads == 1


def test_one_session_serves_both_routes(splade_bundle: Path) -> None:
    encoder = LocalEncoder(splade_bundle)
    encoder.encode_documents(["a"])
    encoder.encode_queries(["a"])
    assert list(encoder._sessions._sessions) == ["document.onnx"]


def test_several_threads_may_share_an_encoder(splade_bundle: Path) -> None:
    encoder = LocalEncoder(splade_bundle)
    short = [text for text in TEXTS if len(text) < 100]
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: encoder.encode_documents(short) + encoder.encode_queries(short), range(32)))
    expected = LocalEncoder(splade_bundle).encode_documents(short) * 2
    assert all(max(map(difference, part, expected)) <= 1e-5 for part in parts)


def test_several_threads_open_a_graph_once(splade_bundle: Path, monkeypatch: Any) -> None:
    opened: list[str] = []
    encoder = LocalEncoder(splade_bundle)
    load = encoder._sessions._load
    monkeypatch.setattr(encoder._sessions, "_load", lambda graph: (opened.append(graph), sleep(0.05), load(graph))[2])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(encoder.encode_documents, [["sun"]] * 8))
    assert opened == ["document.onnx"]


def test_nothing_gives_nothing(encoder: LocalEncoder) -> None:
    assert encoder.encode_documents([]) == []
    assert encoder.decode([]) == []


def test_a_text_of_a_megabyte(encoder: LocalEncoder) -> None:
    shorter, megabyte = encoder.encode_documents(["lovely weather " * 300, "lovely weather " * 70_000])
    assert megabyte == shorter  # both are cut at 512 tokens


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", r"got one str, expected a list of texts: pass \[text\]"),
        (b"bytes", "got one bytes"),
        (None, "got one NoneType"),
        (["good", 7], "text 1 is int, expected str"),
        (["good", None], "text 1 is NoneType"),
        (["good", b"bad"], "text 1 is bytes"),
        (["good", "ab\ud800"], r"text 1 has a lone surrogate \(U\+D800\) at character 2, .* remove it"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(encoder: LocalEncoder, texts: Any, message: str) -> None:
    for encode in (encoder.encode_documents, encoder.encode_queries):
        with pytest.raises(InputError, match=message):
            encode(texts)


def test_any_iterable_of_texts_will_do(encoder: LocalEncoder) -> None:
    assert encoder.encode_documents(word for word in ["sun", "rain"]) == encoder.encode_documents(("sun", "rain"))


def test_decode_names_the_strongest(encoder: LocalEncoder) -> None:
    vectors = encoder.encode_documents([WEATHER, ""])
    weather, empty = encoder.decode(vectors, top=3)
    assert [token for token, _ in weather] == ["today", "lovely", "weather"]
    assert [weight for _, weight in weather] == pytest.approx([2.54, 2.12, 2.04], abs=0.01)
    assert len(empty) == min(3, len(vectors[1]))
    assert len(encoder.decode(vectors[:1])[0]) == 10
    assert len(encoder.decode(vectors[:1], top=None)[0]) == len(vectors[0])


def test_decode_keeps_order_over_batches_and_bears_empty_vectors(splade_bundle: Path, shapes: Any) -> None:
    encoder = LocalEncoder(splade_bundle, batch_size=2)
    vectors = [
        SparseVector([], []),
        SparseVector([7592, 2088], [1, 2]),
        SparseVector([], []),
        SparseVector([7592], [3]),
    ]
    assert encoder.decode(vectors) == [[], [("world", 2.0), ("hello", 1.0)], [], [("hello", 3.0)]]
    encoder.decode([SparseVector([], [])])
    assert shapes == [(2, 2), (2, 1), (1, 1)]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (SparseVector([1], [1]), r"pass \[vector\]"),
        ([SparseVector([1], [1]), "text"], "vector 1 is str, expected SparseVector"),
        ([SparseVector([30522], [1])], "vector 0 has index 30522, but this bundle has 30522 dimensions"),
    ],
)
def test_what_cannot_be_decoded_is_refused(encoder: LocalEncoder, vectors: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encoder.decode(vectors)


@pytest.mark.parametrize(
    ("terminal", "count", "asked", "shown"),
    [
        (True, CHUNK_TEXTS + 1, None, True),
        (True, CHUNK_TEXTS + 1, False, False),
        (True, 3, None, False),
        (False, CHUNK_TEXTS + 1, None, False),
        (False, 3, True, True),
    ],
)
def test_progress_is_shown_on_a_terminal_for_long_input(
    encoder: LocalEncoder, monkeypatch: Any, capsys: Any, terminal: bool, count: int, asked: bool | None, shown: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    encoder.encode_documents(["a"] * count, show_progress=asked)
    output = capsys.readouterr()
    assert output.out == ""
    assert (output.err.strip() != "") == shown


def test_an_int8_bundle_gives_nearly_the_same(encoder: LocalEncoder, splade_int8_bundle: Path) -> None:
    texts = [text for text in TEXTS if text]
    for exact, rounded in zip(
        encoder.encode_documents(texts), LocalEncoder(splade_int8_bundle).encode_documents(texts), strict=True
    ):
        assert exact.dot(rounded) >= 0.99 * (exact.dot(exact) * rounded.dot(rounded)) ** 0.5
