"""A csr bundle: features instead of tokens, a smaller k, back to the dense embedding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sparse_client import BundleError, InputError, LocalEncoder, SparseVector
from sparse_client.cli.commands import main

TEXTS = ["", "a", "The weather is lovely today.", "日本語 🙂", "rain " * 400, "café niño", "How do volcanoes erupt?"]


@pytest.fixture(scope="module")
def csr(csr_bundle: Path) -> LocalEncoder:
    return LocalEncoder(csr_bundle)


@pytest.fixture(scope="module")
def reference(csr_checkpoint: Path) -> Any:
    from sentence_transformers import SparseEncoder

    return SparseEncoder(str(csr_checkpoint), device="cpu")


@pytest.mark.parametrize("most", [None, 1, 2, 7, 16, 32, 63, 64])
def test_fewer_dimensions_are_those_of_pytorch(csr_bundle: Path, reference: Any, most: int | None) -> None:
    expected = reference.encode(TEXTS, max_active_dims=most, convert_to_sparse_tensor=False).numpy()
    vectors = LocalEncoder(csr_bundle, max_active_dims=most).encode_documents(TEXTS)
    for row, vector in zip(expected, vectors, strict=True):
        dense = np.zeros_like(row)
        dense[vector.indices] = vector.values
        assert np.abs(dense - row).max() <= 1e-4
        # Two features whose weights differ by the rounding alone may take each other's place at the cut.
        assert set(np.flatnonzero(row > 1e-4)) <= set(vector.indices.tolist())
        assert len(vector) <= (most or 64)
        assert (np.diff(vector.values) <= 0).all()


def test_reconstruction_is_that_of_pytorch(csr: LocalEncoder, reference: Any) -> None:
    import torch

    embeddings = csr.reconstruct(csr.encode_documents(TEXTS))
    with torch.inference_mode():
        expected = reference[-1].decode(reference.encode(TEXTS, convert_to_sparse_tensor=False)).numpy()
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (len(TEXTS), 384)
    assert np.abs(embeddings - expected).max() <= 1e-5


def test_reconstruction_keeps_order_over_batches_and_bears_nothing(csr_bundle: Path, csr: LocalEncoder) -> None:
    vectors = [*csr.encode_documents(TEXTS), SparseVector([], [])]
    apart = LocalEncoder(csr_bundle, batch_size=3).reconstruct(iter(vectors))
    assert np.abs(apart - csr.reconstruct(vectors)).max() <= 1e-6
    nothing = csr.reconstruct([])
    assert (nothing.shape, nothing.dtype) == ((0, 384), np.float32)


@pytest.mark.parametrize("vectors", [[], [SparseVector([1], [1])]])
def test_features_have_no_words(csr: LocalEncoder, vectors: list[SparseVector]) -> None:
    with pytest.raises(BundleError, match=r"are features, which have no words; LocalEncoder\.reconstruct\(vectors\)"):
        csr.decode(vectors)


def test_tokens_are_not_reconstructed(encoder: LocalEncoder) -> None:
    with pytest.raises(
        BundleError, match=r"\(splade\) gives tokens, not embedding: .* LocalEncoder\.decode\(vectors\)"
    ):
        encoder.reconstruct([SparseVector([1], [1])])


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (SparseVector([1], [1]), r"pass \[vector\]"),
        ([SparseVector([1], [1]), "text"], "vector 1 is str, expected SparseVector"),
        ([SparseVector([1536], [1])], "vector 0 has index 1536, but this bundle has 1536 dimensions"),
    ],
)
def test_what_cannot_be_reconstructed_is_refused(csr: LocalEncoder, vectors: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        csr.reconstruct(vectors)


def test_the_command_refuses_to_decode_features_before_it_encodes(csr_bundle: Path, shapes: Any) -> None:
    result = CliRunner().invoke(main, ["decode", "--bundle", str(csr_bundle), "hello"])
    assert (result.exit_code, result.stdout, result.stderr.count("\n"), shapes) == (1, "", 1, [])
    assert "features, which have no words" in result.stderr
    assert "LocalEncoder.reconstruct(vectors)" in result.stderr


def test_the_command_encodes_features(csr_bundle: Path) -> None:
    result = CliRunner().invoke(main, ["encode", "--bundle", str(csr_bundle), "--top", "2", "hello"])
    assert result.exit_code == 0
    assert result.stdout.startswith('{"text": "hello", "indices": [')


def test_dense_embeddings_go_in_where_the_autoencoder_is_alone(
    autoencoder_bundle: Path, csr: LocalEncoder, reference: Any
) -> None:
    from sentence_transformers import SentenceTransformer

    dense = SentenceTransformer(modules=list(reference)[:-1], device="cpu").encode(TEXTS)
    encoder = LocalEncoder(autoencoder_bundle, batch_size=3)
    for vector, expected in zip(encoder.encode_embeddings(dense), csr.encode_documents(TEXTS), strict=True):
        assert vector.dot(vector) == pytest.approx(vector.dot(expected), abs=1e-4)
    assert encoder.encode_embeddings(np.zeros((0, 384), np.float32)) == []
    with pytest.raises(BundleError, match=r"takes dense embeddings, not texts: use encode_embeddings"):
        encoder.encode_queries(["text"])
    with pytest.raises(BundleError, match="takes texts: use encode_documents"):
        csr.encode_embeddings(dense)


@pytest.mark.parametrize(
    "embeddings", [np.zeros(384, np.float32), np.zeros((2, 383), np.float32), np.zeros((1, 384)), [["a"]],
                   np.full((1, 384), np.nan, np.float32)],
)  # fmt: skip
def test_other_embeddings_are_refused(autoencoder_bundle: Path, embeddings: Any) -> None:
    with pytest.raises(InputError, match=r"expected finite float32 \[embeddings, 384\]"):
        LocalEncoder(autoencoder_bundle).encode_embeddings(embeddings)
