"""Dense embeddings beside pairs, from a real server, in the bits that the same bundle gives in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sparse_client import LocalEncoder, SparseClient
from sparse_client.errors import SparseClientError

if TYPE_CHECKING:
    from tests.serving.conftest import Running

TEXTS = ["fish fish weather", "the bank of the river", "", "patient"]


@pytest.mark.triton
@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_both_from_one_pass(running: Running, protocol: str) -> None:
    encoder = LocalEncoder(running.bundles["tokens"])
    with SparseClient(getattr(running, protocol), model="tokens") as client:
        for text in TEXTS:
            (vector,), dense = client.encode_documents([text], dense=True)
            (expected,), embedding = encoder.encode_documents([text], dense=True)
            assert (vector.indices.tolist(), vector.values.tolist()) == (
                expected.indices.tolist(),
                expected.values.tolist(),
            )
            assert dense.dtype == np.float32
            assert np.array_equal(dense, embedding)
        vectors, dense = client.encode_queries(TEXTS, dense=True)
        assert (len(vectors), dense.shape) == (4, (4, 32))
        assert client.encode_documents([], dense=True)[1].shape == (0, 32)
        assert client.verify(running.bundles["tokens"]).passed


@pytest.mark.triton
def test_a_model_without_dense_embeddings(running: Running) -> None:
    message = "'splade_document' gives no dense embeddings: export its bundle with"
    with SparseClient(running.grpc, model="splade") as client, pytest.raises(SparseClientError, match=message):
        client.encode_documents(["a"], dense=True)
