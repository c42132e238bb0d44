"""A bad request is answered with 400 and fails nobody else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from support.kserve import RejectedError

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
GOOD = (b"lovely weather", b"", b"nul \0 inside", "Grüße, 東京 🙂".encode(), b"long " * 3000, b"weather")
BAD = (b"\xff\xfe", b"caf\xe9", b"x" * 20_001)


def test_mixed_good_and_bad_requests(running: Running) -> None:
    """16 clients; the good ones all succeed, the bad ones get 400."""
    work = [(text, 200) for text in GOOD] + [(text, 400) for text in BAD]
    jobs = work * 16
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda job: running.kserve.send("splade_document", [job[0]]), jobs))
    wrong = {job[0][:20]: answer for job, answer in zip(jobs, answers, strict=True) if answer != job[1]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("texts", "status"),
    [([b"fine", b"\xff"], 400), ([], 400), ([b"a"] * 8, 200), ([b"a"] * 9, 400)],
    ids=["one of two", "empty", "largest", "too many"],
)
def test_batches(running: Running, texts: list[bytes], status: int) -> None:
    assert running.kserve.send("idf_query", texts) == status


def test_the_error_says_which_text(running: Running) -> None:
    words = {"name": "TEXT", "shape": [2, 1], "datatype": "BYTES", "data": ["fine", "x" * 20_001]}
    with pytest.raises(RejectedError, match="text 1 has 20001 bytes, at most 20000 are allowed") as caught:
        running.kserve.infer("splade_query", words)
    assert caught.value.status == 400
    assert "Traceback" not in str(caught.value)


def test_nul_is_a_character_like_others(running: Running) -> None:
    (cut,), (whole,) = (running.kserve.encode("splade_document", [text]) for text in ("weather", "weather\0 bank"))
    assert cut != whole


@pytest.mark.parametrize("index", [40_000, -40_000, 2**31 - 1])
def test_an_index_that_does_not_exist(running: Running, index: int) -> None:
    """It fails alone, while others decode the same number of pairs."""
    good = [pair(2651), pair(8403)]
    jobs = [pair(index), *good] * 16
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda inputs: status_of(running, inputs), jobs))
    assert answers == [400, 200, 200] * 16


def test_a_token_that_does_not_exist(running: Running) -> None:
    jobs = [tokens(2**40), tokens(2651), tokens(8403)] * 16
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda inputs: status_of(running, inputs, "splade_document_encoder"), jobs))
    assert answers == [400, 200, 200] * 16


def pair(index: int) -> list[dict]:
    return [
        {"name": "indices", "shape": [1, 1], "datatype": "INT32", "data": [index]},
        {"name": "values", "shape": [1, 1], "datatype": "FP32", "data": [1.0]},
    ]


def tokens(token: int) -> list[dict]:
    return [
        {"name": "input_ids", "shape": [1, 3], "datatype": "INT64", "data": [101, token, 102]},
        {"name": "attention_mask", "shape": [1, 3], "datatype": "INT64", "data": [1, 1, 1]},
    ]


def status_of(running: Running, inputs: list[dict], model: str = "splade_decode") -> int:
    try:
        running.kserve.infer(model, *inputs)
    except RejectedError as error:
        return error.status
    return 200
