"""Encode and decode in this process, from a bundle."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.decoding import Decoder
from sparse_client.bundle.facts import Route
from sparse_client.bundle.lookup import QueryTable
from sparse_client.bundle.outputs import HYBRID, OUTPUTS, Hybrid, Reader, hybrid
from sparse_client.bundle.reader import open_bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.errors import BundleError, InputError
from sparse_client.overlap import Contribution, overlap
from sparse_client.progress import progress_bar
from sparse_client.texts import CHUNK_TEXTS, check_unicode, checked_texts, chunks
from sparse_client.vectors import SparseVector, checked_vectors

_T = TypeVar("_T")

# Tokens of one run, padding included: what a layer computes then stays in the processor's caches.
RUN_TOKENS = 1024


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
        if self._bundle.manifest.output not in OUTPUTS:
            known = ", ".join(OUTPUTS)
            raise BundleError(
                f"{bundle_path} gives {self._bundle.manifest.output!r} vectors, expected {known}: upgrade sparse-client"
            )
        self._sessions = Sessions(self._bundle, threads, providers)
        self._decoder = Decoder(self._bundle, self._sessions, batch_size)
        self._table: QueryTable | None = None
        self._tokenizers: dict[Route, RouteTokenizer] = {}
        self._lock = Lock()
        self._max_active_dims = max_active_dims
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
        return [vector for batch in batches for vector in self._outputs(graph, {"embedding": batch}, self._reader())]

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
            return self._rows(texts, route, show_progress, self._reader())
        width = self._bundle.manifest.dense_dim
        if width is None:
            raise BundleError(f"{self._bundle.path} gives no dense embeddings: export it with --with-dense")
        return hybrid(self._rows(texts, route, show_progress, HYBRID), width)

    def _rows(self, texts: Iterable[str], route: str, show_progress: bool | None, reader: Reader[_T]) -> list[_T]:
        checked = checked_texts(texts)
        if self._bundle.manifest.input_dim is not None:
            raise BundleError(f"{self._bundle.path} takes dense embeddings, not texts: use encode_embeddings(array)")
        ids = self._tokenizer(route).ids
        if len(checked) == 1 and not show_progress:  # chunks, order and a bar would cost a query half of its time
            return next(self._run_ids(ids(checked), route, reader))[1]
        shown = len(checked) > CHUNK_TEXTS and sys.stderr.isatty() if show_progress is None else show_progress
        rows: list[_T] = []
        with progress_bar(len(checked), shown) as advance:
            for chunk in chunks(checked):
                done: dict[int, _T] = {}
                for positions, batch in self._run_ids(ids(checked[chunk]), route, reader):
                    done.update(zip(positions, batch, strict=True))
                    advance(len(positions))
                rows += [done[position] for position in range(len(done))]
        return rows

    def _run_ids(
        self, rows: Sequence[NDArray[np.int64]], name: str, reader: Reader[_T]
    ) -> Iterator[tuple[list[int], list[_T]]]:
        """Encode texts of like length together, the longest first: memory is at its largest at once, not late."""
        if self._bundle.manifest.has_table(name):
            table = self._query_table()
            vectors = [table.vector(row.tolist(), self._max_active_dims) for row in rows]
            yield list(range(len(rows))), cast(list[_T], vectors)
            return
        order = sorted(range(len(rows)), key=lambda position: -len(rows[position]))
        while order:
            longest = max(1, len(rows[order[0]]))
            size = min(self._batch_size, max(1, RUN_TOKENS // longest))
            positions, order = order[:size], order[size:]
            inputs = self._tokenizer(name).pad([rows[position] for position in positions])
            yield positions, self._outputs(self._bundle.manifest.routes[name].graph, inputs, reader)

    def _reader(self) -> Reader[SparseVector]:
        return OUTPUTS[self._bundle.manifest.output]

    def _outputs(self, graph: str, inputs: Mapping[str, NDArray[Any]], reader: Reader[_T]) -> list[_T]:
        wanted, to_rows = reader
        try:
            return to_rows(self._sessions.run(graph, inputs, wanted), self._max_active_dims)
        except InputError as error:
            raise BundleError(f"{self._bundle.path / graph} gave an invalid vector: {error}") from error

    def _tokenizer(self, name: str) -> RouteTokenizer:
        if name not in self._bundle.manifest.routes:
            known = ", ".join(self._bundle.manifest.routes)
            raise BundleError(f"{self._bundle.path} has no route {name!r}, it has: {known}")
        route = self._bundle.manifest.routes[name]
        with self._lock:
            if route not in self._tokenizers:  # both routes of a symmetric bundle have the same one
                self._tokenizers[route] = RouteTokenizer(self._bundle.path, route)
            return self._tokenizers[route]

    def _query_table(self) -> QueryTable:
        with self._lock:
            if self._table is None:
                self._table = QueryTable(self._bundle)
            return self._table
