"""From dimensions back: to tokens where they are tokens, to the dense embedding where they are features."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle import Bundle
from sparse_client.errors import BundleError, InputError
from sparse_client.sessions import Sessions
from sparse_client.vectors import SparseVector

GRAPH = "decode.onnx"
TOKENS, EMBEDDING = "tokens", "embedding"


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
        checked = [vector.top(len(vector) if top is None else top) for vector in self.checked(vectors)]
        return [
            list(zip(row[: len(vector)], vector.values.tolist(), strict=True))
            for batch in self._batches(checked)
            for vector, row in zip(batch, self._run(batch, TOKENS).tolist(), strict=True)
        ]

    def embeddings(self, vectors: Iterable[SparseVector]) -> NDArray[np.float32]:
        """Reconstruct the dense embeddings, see `LocalEncoder.reconstruct`."""
        given = self._given()
        if EMBEDDING not in given:
            raise BundleError(
                f"{self._name(given)}, not {EMBEDDING}: its dimensions are tokens, which LocalEncoder.decode(vectors) "
                "names; only the features of a csr bundle can be turned back into a dense embedding"
            )
        # An empty vector's embedding has the width that the result has even without any vector.
        nothing = self._run([SparseVector([], [])], EMBEDDING)[:0]
        batches = self._batches(self.checked(vectors))
        return np.concatenate([nothing, *(self._run(batch, EMBEDDING) for batch in batches)])

    def labels(self, dimensions: NDArray[np.int32]) -> list[str]:
        """Return the token of each dimension, or `feature 123` where the bundle knows no tokens."""
        if GRAPH not in self._bundle.files or TOKENS not in self._given():
            return [f"feature {dimension}" for dimension in dimensions.tolist()]
        inputs = {"indices": dimensions[None], "values": np.ones((1, len(dimensions)), dtype=np.float32)}
        labels: list[str] = self._sessions.run(GRAPH, inputs, [TOKENS])[TOKENS][0].tolist() if dimensions.size else []
        return labels

    def checked(self, vectors: Iterable[SparseVector]) -> list[SparseVector]:
        """Return the vectors as a list.

        Raises:
            InputError: If it is no list of vectors, or one is not of the bundle's space.
        """
        if isinstance(vectors, SparseVector):
            raise InputError("got one SparseVector, expected a list of them: pass [vector]")
        checked = list(vectors)
        for position, vector in enumerate(checked):
            if not isinstance(vector, SparseVector):
                raise InputError(
                    f"vector {position} is {type(vector).__name__}, expected SparseVector: pass a list of them"
                )
            if len(vector) and vector.indices.max() >= self._bundle.dimension:
                raise InputError(
                    f"vector {position} has index {vector.indices.max()}, but this bundle has "
                    f"{self._bundle.dimension} dimensions: decode it with the bundle that made it"
                )
        return checked

    def _given(self) -> list[str]:
        if GRAPH not in self._bundle.files:
            raise BundleError(f"{self._bundle.path} has no {GRAPH}: the dimensions of this bundle have no names")
        return self._sessions.outputs(GRAPH)

    def _name(self, given: Sequence[str]) -> str:
        return f"{self._bundle.path / GRAPH} ({self._bundle.family}) gives {', '.join(given)}"

    def _batches(self, vectors: Sequence[SparseVector]) -> Iterator[Sequence[SparseVector]]:
        for start in range(0, len(vectors), self._batch_size):
            yield vectors[start : start + self._batch_size]

    def _run(self, vectors: Sequence[SparseVector], output: str) -> NDArray[np.float32]:
        width = max(1, *(len(vector) for vector in vectors))
        indices = np.full((len(vectors), width), -1, dtype=np.int32)
        values = np.zeros((len(vectors), width), dtype=np.float32)
        for row, vector in enumerate(vectors):
            indices[row, : len(vector)] = vector.indices
            values[row, : len(vector)] = vector.values
        return self._sessions.run(GRAPH, {"indices": indices, "values": values}, [output])[output]
