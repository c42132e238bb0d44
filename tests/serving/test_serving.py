"""Text to vectors and back over a real server, for every family: the same as the bundle's graphs give, run alone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from support.bundles import encode
from support.kserve import Kserve, RejectedError, pairs_of

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
NAMES = ("splade", "idf", "csr", "prompted", "towers")
ROUTES = ("document", "query")
WEATHER = "The weather is lovely today."


def golden_texts(bundle: Path) -> list[str]:
    lines = (bundle / "golden.jsonl").read_text(encoding="utf-8").split("\n")
    return list(dict.fromkeys(json.loads(line)["text"] for line in lines if line))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_alone_is_bit_equal(running: Running, name: str, route: str) -> None:
    bundle = running.bundles[name]
    for text in golden_texts(bundle):
        (served,) = running.kserve.encode(f"{name}_{route}", [text])
        (expected,) = encode(bundle, [text], route)
        assert list(served.items()) == list(expected.items()), text


@pytest.mark.parametrize("name", NAMES)
def test_a_batch(running: Running, name: str) -> None:
    bundle = running.bundles[name]
    texts = golden_texts(bundle)[:8]
    rows = zip(running.kserve.encode(f"{name}_document", texts), encode(bundle, texts), strict=True)
    for served, expected in rows:
        assert list(served.items()) == list(expected.items())


def test_routes_differ_by_their_prompts_alone(running: Running) -> None:
    of_route = {route: running.kserve.encode(f"prompted_{route}", ["water"]) for route in ROUTES}
    assert of_route["query"] != of_route["document"]
    entry = json.loads((running.bundles["prompted"] / "manifest.json").read_text())["routes"]
    assert entry["query"]["graph"] == entry["document"]["graph"]
    with pytest.raises(RejectedError, match="404|400"):
        running.kserve.get("models/prompted_query_encoder")


@pytest.mark.parametrize("name", ["splade", "idf"])
def test_decode_to_tokens(running: Running, name: str) -> None:
    rows = running.kserve.encode(f"{name}_document", [WEATHER, "bank"])
    tokens = running.kserve.infer(f"{name}_decode", *pairs_of(rows))["tokens"]
    assert {"weather", "today", "lovely"} <= {*tokens[0].tolist()}
    for row, found in zip(rows, tokens.tolist(), strict=True):
        assert all(found[: len(row)])
        assert found[len(row) :] == [""] * (len(found) - len(row))


def test_decode_to_an_embedding(running: Running) -> None:
    rows = running.kserve.encode("csr_document", [WEATHER, "a bank"])
    inputs = pairs_of(rows)
    served = running.kserve.infer("csr_decode", *inputs)["embedding"]
    feed = {
        each["name"]: np.array(each["data"], {"INT32": np.int32, "FP32": np.float32}[each["datatype"]]).reshape(
            each["shape"]
        )
        for each in inputs
    }
    (expected,) = onnxruntime.InferenceSession(running.bundles["csr"] / "decode.onnx").run(None, feed)
    assert served.shape == (2, 384)
    np.testing.assert_allclose(served, expected, atol=1e-6)


def test_requests_are_batched(running: Running) -> None:
    """16 at a time, of one length: the server makes fewer runs than requests, and each gets its own answer.

    On a busy machine they may come one after the other, so they are sent again.
    """
    model = "splade_document_encoder"
    before = counts(running.kserve, model)
    texts = [f"the weather in {number}" for number in range(10, 74)]
    alone = {text: encode(running.bundles["splade"], [text])[0] for text in texts[:8]}
    for sent in range(1, 6):
        with ThreadPoolExecutor(16) as pool:
            served = list(pool.map(lambda text: running.kserve.encode("splade_document", [text])[0], texts))
        requests, runs = (after - earlier for after, earlier in zip(counts(running.kserve, model), before, strict=True))
        assert requests == sent * len(texts)
        if runs < requests:
            break
    assert runs < requests
    for text, expected in alone.items():
        row = served[texts.index(text)]
        assert row.keys() == expected.keys()
        assert max(abs(row[index] - expected[index]) for index in row) < 1e-4, "int8 scales are per text"


def counts(server: Kserve, model: str) -> tuple[int, int]:
    (found,) = server.get(f"models/{model}/stats")["model_stats"]
    return found["inference_count"], found["execution_count"]


def test_a_long_document_is_a_small_answer(running: Running) -> None:
    text = "Rain fell on the old bridge while the river rose and people watched from the bank. " * 6
    row = running.kserve.encode("splade_document", [text])[0]
    assert len(row) * 8 + 500 < 4096, "binary: 8 bytes a pair, and the head"
