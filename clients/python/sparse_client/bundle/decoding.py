"""From dimensions back: to tokens where they are tokens, to the dense embedding where they are features."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.outputs import to_sparse
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.errors import BundleError
from sparse_client.overlap import feature_labels
from sparse_client.vectors import SparseVector, checked_vectors

GRAPH = "decode.onnx"
TOKENS, EMBEDDING = "tokens", "embedding"


def named(vectors: Sequence[SparseVector], rows: Sequence[Sequence[str]]) -> list[list[tuple[str, float]]]:
    """Pair each vector's weights with their tokens; what pads a row of tokens is dropped."""
    return [
        list(zip(row[: len(vector)], vector.values.tolist(), strict=True))
        for vector, row in zip(vectors, rows, strict=True)
    ]


class Decoder:
    """Runs decode.onnx of a bundle; may be used from several threads.

    Args:
        bundle: The bundle.
        sessions: Its graphs.
        batch_size: Vectors per run of the graph.
    """

    def __init__(self, bundle: Bundle, sessions: Sessions, batch_size: int) -> None:
        self._bundle = bundle
        self._sessions = sessions
        self._batch_size = batch_size

    def tokens(self, vectors: Iterable[SparseVector], top: int | None) -> list[list[tuple[str, float]]]:
        """Name the strongest dimensions of each vector, see `LocalEncoder.decode`."""
        given = self._given()
        if TOKENS not in given:
            raise BundleError(
                f"{self._name(given)}, not {TOKENS}: its dimensions are features, which have no words; "
                "LocalEncoder.reconstruct(vectors) turns them into the dense embedding"
            )
        checked = [vector.top(len(vector) if top is None else top) for vector in self._checked(vectors)]
        rows = [row for batch in self._batches(checked) for row in self._run(batch, TOKENS).tolist()]
        return named(checked, rows)

    def embeddings(self, vectors: Iterable[SparseVector]) -> NDArray[np.float32]:
        """Reconstruct the dense embeddings, see `LocalEncoder.reconstruct`."""
        given = self._given()
        if EMBEDDING not in given:
            raise BundleError(
                f"{self._name(given)}, not {EMBEDDING}: its dimensions are tokens, which LocalEncoder.decode(vectors) "
                "names; only the features of a csr bundle can be turned back into a dense embedding"
            )
        autoencoder = self._bundle.manifest.autoencoder
        nothing = np.empty((0, autoencoder.input_dim if autoencoder else 0), np.float32)
        batches = self._batches(self._checked(vectors))
        return np.concatenate([nothing, *(self._run(batch, EMBEDDING) for batch in batches)])

    def labels(self, dimensions: NDArray[np.int32]) -> list[str]:
        """Return the token of each dimension, or `feature 123` where the bundle knows no tokens."""
        if GRAPH not in self._bundle.manifest.files or TOKENS not in self._given():
            return feature_labels(dimensions)
        inputs = {"indices": dimensions[None], "values": np.ones((1, len(dimensions)), dtype=np.float32)}
        labels: list[str] = self._sessions.run(GRAPH, inputs, [TOKENS])[TOKENS][0].tolist() if dimensions.size else []
        return labels

    @cached_property
    def words(self) -> list[str]:
        """The token of every dimension, or its number where the bundle knows no tokens."""
        every = np.arange(self._bundle.manifest.dimension, dtype=np.int32)
        if GRAPH not in self._bundle.manifest.files or TOKENS not in self._given():
            return list(map(str, every.tolist()))
        return self.labels(every)

    def _checked(self, vectors: Iterable[SparseVector]) -> list[SparseVector]:
        return checked_vectors(vectors, self._bundle.manifest.dimension)

    def _given(self) -> list[str]:
        if GRAPH not in self._bundle.manifest.files:
            raise BundleError(f"{self._bundle.path} has no {GRAPH}: the dimensions of this bundle have no names")
        return self._sessions.outputs(GRAPH)

    def _name(self, given: Sequence[str]) -> str:
        return f"{self._bundle.path / GRAPH} ({self._bundle.manifest.family}) gives {', '.join(given)}"

    def _batches(self, vectors: Sequence[SparseVector]) -> Iterator[Sequence[SparseVector]]:
        for start in range(0, len(vectors), self._batch_size):
            yield vectors[start : start + self._batch_size]

    def _run(self, vectors: Sequence[SparseVector], output: str) -> NDArray[np.float32]:
        return self._sessions.run(GRAPH, to_sparse(vectors), [output])[output]
