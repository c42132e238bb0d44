"""Token ids in place of texts, and a tokenizer that only Python runs, on a real server."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sparse_client import InputError, LocalEncoder, SparseClient, SparseVector
from support import japanese
from support.bundles import golden_texts


@pytest.fixture(params=["http", "grpc"])
def url(request: pytest.FixtureRequest, running: Any) -> str:
    return str(getattr(running, request.param))


@pytest.mark.parametrize("name", ["splade", "idf", "csr", "towers", "japanese"])
@pytest.mark.parametrize("route", ["document", "query"])
def test_token_ids_give_the_vectors_of_the_local_encoder(running: Any, url: str, name: str, route: str) -> None:
    local = LocalEncoder(running.bundles[name])
    rows = local._encoding.tokenizers.of(route).ids(golden_texts(running.bundles[name])[route][:6])
    with SparseClient(url, model=name) as client:
        for row in rows:
            (served,), (expected,) = client.encode_token_ids([row], route), local.encode_token_ids([row], route)
            assert _plain(served) == _plain(expected)
        for vector, row in zip(client.encode_token_ids(rows, route), rows, strict=True):
            (expected,) = local.encode_token_ids([row], route)
            norms = np.sqrt(vector.dot(vector) * expected.dot(expected))
            assert vector.dot(expected) >= 0.999 * norms, "padded in a batch it is the same text"


def test_a_tokenizer_without_a_fast_form_is_served(running: Any, url: str) -> None:
    local = LocalEncoder(running.bundles["japanese"])
    with SparseClient(url, model="japanese") as client:
        for text in japanese.TEXTS:
            (served,), (expected,) = client.encode_documents([text]), local.encode_documents([text])
            assert _plain(served) == _plain(expected)
        assert client.verify(running.bundles["japanese"]).passed


def test_rows_that_are_none_are_refused_before_they_are_sent(running: Any, url: str) -> None:
    with SparseClient(url, model="splade") as client, pytest.raises(InputError, match="row 0 is"):
        client.encode_token_ids([[-1]])


def _plain(vector: SparseVector) -> tuple[list[int], list[float]]:
    return vector.indices.tolist(), vector.values.tolist()
