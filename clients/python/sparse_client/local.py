"""Encode and decode in this process, from a bundle."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.decoding import Decoder
from sparse_client.bundle.encoding import Encoding
from sparse_client.bundle.outputs import HYBRID, Hybrid, Reader, hybrid
from sparse_client.bundle.reader import open_bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.errors import BundleError, InputError
from sparse_client.overlap import Contribution, overlap
from sparse_client.progress import progress_bar
from sparse_client.texts import CHUNK_TEXTS, check_unicode, checked_texts, checked_token_ids, chunks
from sparse_client.vectors import SparseVector, checked_vectors

_T = TypeVar("_T")


class LocalEncoder:
    """Encode texts with the graphs of a bundle; may be used from several threads.

    Args:
        bundle_path: The bundle's folder.
        threads: Threads that one run of a graph uses, None for ONNX Runtime's choice.
        max_active_dims: Keep only this many dimensions, those of the largest absolute weight, None for all. A bundle
            that was exported with a limit, as every csr bundle is, never gives more than that.
        batch_size: Texts per run of a graph, at most; long texts are run a few at a time, which is faster.
        checksums: Check the sha256 of every file before opening it; sizes are always checked.
        providers: Execution providers of ONNX Runtime in order of preference, such as ``["CUDAExecutionProvider"]``;
            every session must get each of them. None: CUDA for an fp16 bundle where the runtime has it, else the CPU.

    Raises:
        BundleError: If the bundle is missing, incomplete, broken or too new.
        InputError: If a number is less than 1, or this ONNX Runtime does not have a provider.

    Example:
        >>> encoder = LocalEncoder("bundle/")
        >>> encoder.encode_documents(["The weather is lovely today."])
        [SparseVector(32 active: 2651: 2.54, 8403: 2.12, 4633: 2.04, ...)]
    """

    def __init__(
        self,
        bundle_path: Path | str,
        *,
        threads: int | None = None,
        max_active_dims: int | None = None,
        batch_size: int = 32,
        checksums: bool = False,
        providers: Sequence[str] | None = None,
    ) -> None:
        for name, number in (("threads", threads), ("max_active_dims", max_active_dims), ("batch_size", batch_size)):
            if number is not None and number < 1:
                raise InputError(f"{name} is {number}, expected 1 or more")
        self._bundle = open_bundle(bundle_path, checksums=checksums)
        self._sessions = Sessions(self._bundle, threads, providers)
        self._decoder = Decoder(self._bundle, self._sessions, batch_size)
        self._encoding = Encoding(self._bundle, self._sessions, batch_size, max_active_dims)
        self._batch_size = batch_size

    @property
    def dimension(self) -> int:
        """Size of the vector space: every index is smaller."""
        return self._bundle.manifest.dimension

    @property
    def providers(self) -> tuple[str, ...]:
        """Execution providers that the session of the document graph got, in order of preference.

        Raises:
            BundleError: If the graph cannot be loaded, or its session did not get a provider that was asked for.
        """
        return self._sessions.providers(self._bundle.manifest.routes["document"].graph)

    @overload
    def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[False] = False
    ) -> list[SparseVector]: ...

    @overload
    def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[True]
    ) -> Hybrid: ...

    def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: bool = False
    ) -> list[SparseVector] | Hybrid:
        """Encode documents.

        Args:
            texts: The documents.
            show_progress: Show a progress bar on stderr. None: if there are many and stderr is a terminal.
            dense: Also return the dense embeddings, of a bundle that was exported with `--with-dense`.

        Returns:
            One vector per text, in the order of the texts, each sorted by falling weight. With `dense` a pair of these
            and of the dense embeddings, float32 ``[texts, width]``.

        Raises:
            InputError: If it is not a list of texts, or one has a lone surrogate.
            BundleError: If the bundle cannot do it.
        """
        return self._encode(texts, "document", show_progress, dense)

    @overload
    def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[False] = False
    ) -> list[SparseVector]: ...

    @overload
    def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[True]
    ) -> Hybrid: ...

    def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: bool = False
    ) -> list[SparseVector] | Hybrid:
        """Encode queries; as `encode_documents`, with the bundle's query route.

        Where the bundle has a table of query weights, it is looked up and no graph is run.
        """
        return self._encode(texts, "query", show_progress, dense)

    def encode_token_ids(self, rows: Iterable[Sequence[int]], route: str = "document") -> list[SparseVector]:
        """Encode token ids, such as another tokenizer made: prompt and special tokens included, cut to the length.

        Args:
            rows: The token ids of each text.
            route: `document` or `query`.

        Returns:
            One vector per row, in their order.

        Raises:
            InputError: If it is not a list of rows of ids, or one is longer than the bundle's `max_length`.
            BundleError: If the bundle takes no tokens, or the model has no such id.
        """
        self._check_takes_tokens("token ids")
        self._encoding.tokenizers.of(route)  # says which routes there are
        checked = checked_token_ids(rows, self._bundle.manifest.routes[route].max_length)
        return self._encoding.in_order(checked, route, self._encoding.reader)

    def encode_embeddings(self, embeddings: NDArray[np.float32]) -> list[SparseVector]:
        """Encode dense embeddings, with a bundle that was exported with `--sae-only`.

        Args:
            embeddings: float32 ``[embeddings, width]``, from the dense encoder that the autoencoder was trained on.

        Returns:
            One vector per embedding, each sorted by falling weight.

        Raises:
            InputError: If it is not such an array.
            BundleError: If the bundle takes texts.
        """
        width = self._bundle.manifest.input_dim
        if width is None:
            raise BundleError(f"{self._bundle.path} takes texts: use encode_documents, or export it with --sae-only")
        rows = np.asarray(embeddings)
        if rows.ndim != 2 or rows.shape[1] != width or rows.dtype != np.float32 or not np.isfinite(rows).all():
            raise InputError(f"got {rows.dtype} {list(rows.shape)}, expected finite float32 [embeddings, {width}]")
        batches = (rows[start : start + self._batch_size] for start in range(0, len(rows), self._batch_size))
        graph = self._bundle.manifest.routes["document"].graph
        return [
            vector
            for batch in batches
            for vector in self._encoding.outputs(graph, {"embedding": batch}, self._encoding.reader)
        ]

    def decode(self, vectors: Iterable[SparseVector], top: int | None = 10) -> list[list[tuple[str, float]]]:
        """Name the strongest dimensions of each vector.

        Args:
            vectors: The vectors.
            top: How many dimensions of each, None for all.

        Returns:
            For each vector its tokens with their weights, by falling weight.

        Raises:
            InputError: If a vector is not of this bundle's space, or `top` is negative.
            BundleError: If the dimensions of this bundle have no names.
        """
        return self._decoder.tokens(vectors, top)

    def words(self) -> list[str]:
        """Return the token of every dimension, or its number as text where dimensions are features."""
        return self._decoder.words

    def reconstruct(self, vectors: Iterable[SparseVector]) -> NDArray[np.float32]:
        """Turn the features of a csr bundle back into the dense embeddings that they stand for.

        Args:
            vectors: The vectors.

        Returns:
            float32 ``[vectors, width]``, what the autoencoder makes of each; if it normalizes its input, as the
            manifest's `autoencoder` tells, this is the normalized embedding.

        Raises:
            InputError: If a vector is not of this bundle's space.
            BundleError: If the dimensions of this bundle are tokens, not features.
        """
        return self._decoder.embeddings(vectors)

    def explain(
        self, query: str | SparseVector, document: str | SparseVector, top: int | None = None
    ) -> list[Contribution]:
        """Tell what makes the score of a query and a document, as sentence-transformers' `intersection` does.

        Args:
            query: The query, or its vector.
            document: The document, or its vector.
            top: How many dimensions to return, None for all.

        Returns:
            (label, contribution, share) for each dimension that adds to the score, the strongest first. A contribution
            is the product of the two weights, a share its part of the sum of all positive contributions. The label is
            the token, or `feature 123` where dimensions are features.

        Raises:
            InputError: If one is neither text nor vector of this bundle's space, or `top` is negative.
            BundleError: If the bundle cannot do it.
        """
        left, right = (self._vector(given, route) for given, route in ((query, "query"), (document, "document")))
        dimensions, contributions, shares = overlap(left, right, top)
        labels = self._decoder.labels(dimensions)
        return list(map(Contribution, labels, contributions.tolist(), shares.tolist()))

    def _vector(self, given: str | SparseVector, route: str) -> SparseVector:
        if isinstance(given, SparseVector):
            return checked_vectors([given], self.dimension)[0]
        if not isinstance(given, str):
            raise InputError(f"{route} is {type(given).__name__}, expected a text or a SparseVector")
        check_unicode(given, route)
        return self._encode([given], route, False)[0]

    def _encode(
        self, texts: Iterable[str], route: str, show_progress: bool | None, dense: bool = False
    ) -> Any:  # list[SparseVector], or with `dense` Hybrid
        if not dense:
            return self._rows(texts, route, show_progress, self._encoding.reader)
        width = self._bundle.manifest.dense_dim
        if width is None:
            raise BundleError(f"{self._bundle.path} gives no dense embeddings: export it with --with-dense")
        return hybrid(self._rows(texts, route, show_progress, HYBRID), width)

    def _rows(self, texts: Iterable[str], route: str, show_progress: bool | None, reader: Reader[_T]) -> list[_T]:
        checked = checked_texts(texts)
        self._check_takes_tokens("texts")
        ids = self._encoding.tokenizers.of(route).ids
        if len(checked) == 1 and not show_progress:  # chunks and a bar would cost a query half of its time
            return self._encoding.in_order(ids(checked), route, reader)
        shown = len(checked) > CHUNK_TEXTS and sys.stderr.isatty() if show_progress is None else show_progress
        rows: list[_T] = []
        with progress_bar(len(checked), shown) as advance:
            for chunk in chunks(checked):
                rows += self._encoding.in_order(ids(checked[chunk]), route, reader, advance)
        return rows

    def _check_takes_tokens(self, what: str) -> None:
        if self._bundle.manifest.input_dim is not None:
            raise BundleError(f"{self._bundle.path} takes dense embeddings, not {what}: use encode_embeddings(array)")
