"""Encode and decode on a Triton server, awaited."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.decoding import EMBEDDING, TOKENS, named
from sparse_client.bundle.outputs import DENSE, Hybrid, hybrid, to_sparse
from sparse_client.bundle.reader import open_bundle
from sparse_client.errors import InputError, SparseClientError
from sparse_client.overlap import Contribution, feature_labels, overlap
from sparse_client.parity.golden import Report, compare, golden_by_route
from sparse_client.progress import progress_bar
from sparse_client.server.address import parse_address
from sparse_client.server.connection import Connection
from sparse_client.server.options import ClientOptions, checked_headers
from sparse_client.server.wire import (
    batches,
    read_embeddings,
    read_hybrid,
    read_tokens,
    read_vectors,
    text_tensors,
    token_tensors,
)
from sparse_client.texts import CHUNK_TEXTS, check_unicode, checked_texts, checked_token_ids
from sparse_client.vectors import SparseVector, checked_vectors

_T = TypeVar("_T")


class AsyncSparseClient:
    """Encode texts on a Triton server with the methods of `LocalEncoder`, awaited; for one event loop.

    Args:
        url: The server: `http://`, `https://`, `grpc://` or `grpcs://`, host and port.
        model: The name that the bundle has there.
        headers: Sent with every request, such as `{"authorization": "Bearer ..."}`.
        options: Timeout, retries, limits, certificates.

    Raises:
        InputError: If the URL, the name, a header or an option cannot be used.
        SparseClientError: If tritonclient is not installed.

    Example:
        >>> async with AsyncSparseClient("grpc://localhost:8001", model="splade") as client:
        ...     await client.encode_documents(["The weather is lovely today."])
        [SparseVector(32 active: 2651: 2.54, 8403: 2.12, 4633: 2.04, ...)]
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        headers: Mapping[str, str] | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        if not isinstance(model, str) or not model or "/" in model:
            raise InputError(f"model is {model!r}, expected the name of a bundle on the server")
        self._address = parse_address(url)
        self._model = model
        self._options = options or ClientOptions()
        self._connection = Connection(self._address, checked_headers(headers), self._options)

    @overload
    async def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[False] = False
    ) -> list[SparseVector]: ...

    @overload
    async def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[True]
    ) -> Hybrid: ...

    async def encode_documents(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: bool = False
    ) -> list[SparseVector] | Hybrid:
        """Encode documents.

        Args:
            texts: The documents.
            show_progress: Show a progress bar on stderr. None: if there are many and stderr is a terminal.
            dense: Also return the dense embeddings, of a model whose bundle was exported with `--with-dense`.

        Returns:
            One vector per text, in the order of the texts, each sorted by falling weight. With `dense` a pair of these
            and of the dense embeddings, float32 ``[texts, width]``.

        Raises:
            InputError: If it is not a list of texts, one has a lone surrogate, or the server rejects one.
            SparseClientError: If the model gives no dense embeddings.
            ServerError: If the server cannot be reached, has no such model, or fails.
        """
        return await self._encode(texts, "document", show_progress, dense)

    @overload
    async def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[False] = False
    ) -> list[SparseVector]: ...

    @overload
    async def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: Literal[True]
    ) -> Hybrid: ...

    async def encode_queries(
        self, texts: Iterable[str], show_progress: bool | None = None, *, dense: bool = False
    ) -> list[SparseVector] | Hybrid:
        """Encode queries; as `encode_documents`, with the bundle's query route."""
        return await self._encode(texts, "query", show_progress, dense)

    async def encode_token_ids(self, rows: Iterable[Sequence[int]], route: str = "document") -> list[SparseVector]:
        """Encode token ids, see `LocalEncoder.encode_token_ids`.

        Raises:
            InputError: If it is not a list of rows of ids, or the server rejects one.
            ServerError: As `encode_documents`.
        """
        checked = checked_token_ids(rows, None)
        ensemble = await self._connection.config(self._name(route))
        model = ensemble.last_step or self._name(route)

        async def send(positions: list[int]) -> list[SparseVector]:
            return await self._connection.infer(
                model,
                lambda: token_tensors([checked[position] for position in positions]),
                lambda outputs: read_vectors(outputs, len(positions), self._options.max_active_dims),
            )

        return await self._in_batches([len(row) for row in checked], model, send)

    async def decode(self, vectors: Iterable[SparseVector], top: int | None = 10) -> list[list[tuple[str, float]]]:
        """Name the strongest dimensions of each vector.

        Args:
            vectors: The vectors.
            top: How many dimensions of each, None for all.

        Returns:
            For each vector its tokens with their weights, by falling weight.

        Raises:
            InputError: If it is not a list of vectors, `top` is negative, or the server rejects a vector.
            SparseClientError: If the dimensions of this model have no names.
            ServerError: As `encode_documents`.
        """
        checked = [vector.top(len(vector) if top is None else top) for vector in checked_vectors(vectors)]
        await self._require(TOKENS, "its dimensions are features, which have no words; use reconstruct(vectors)")
        return named(checked, await self._decode(checked, read_tokens))

    async def reconstruct(self, vectors: Iterable[SparseVector]) -> NDArray[np.float32]:
        """Turn the features of a csr bundle back into the dense embeddings, float32 ``[vectors, width]``.

        Raises:
            InputError: If it is not a list of vectors, or the server rejects one.
            SparseClientError: If the dimensions of this model are tokens, not features.
            ServerError: As `encode_documents`.
        """
        checked = checked_vectors(vectors)
        await self._require(EMBEDDING, "its dimensions are tokens; use decode(vectors)")
        # An empty vector's embedding has the width that the result has even without any vector.
        rows = await self._decode([*checked, SparseVector([], [])], lambda *answer: list(read_embeddings(*answer)))
        return np.stack(rows)[:-1]

    async def explain(
        self, query: str | SparseVector, document: str | SparseVector, top: int | None = None
    ) -> list[Contribution]:
        """Tell what makes the score of a query and a document, see `LocalEncoder.explain`.

        Raises:
            InputError: If one is neither text nor vector, `top` is negative, or the server rejects it.
            ServerError: As `encode_documents`.
        """
        left, right = await asyncio.gather(self._vector(query, "query"), self._vector(document, "document"))
        dimensions, contributions, shares = overlap(left, right, top)
        labels = await self._labels(dimensions)
        return list(map(Contribution, labels, contributions.tolist(), shares.tolist()))

    async def verify(self, bundle: Path | str) -> Report:
        """Replay a bundle's golden vectors through the server.

        Args:
            bundle: The folder of the bundle that the server is said to serve.

        Raises:
            BundleError: If the bundle is missing, broken, or has no golden vectors.
            ServerError: As `encode_documents`.
        """
        opened = open_bundle(bundle)
        golden = golden_by_route(opened)
        texts = {route: [one.text for one in some] for route, some in golden.items()}
        if opened.manifest.dense_dim is None:
            return compare(opened, golden, {route: await self._encode(texts[route], route, False) for route in texts})
        both = {route: await self._encode(texts[route], route, False, dense=True) for route in texts}
        vectors, dense = ({route: pair[side] for route, pair in both.items()} for side in (0, 1))
        return compare(opened, golden, vectors, dense=dense)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def __aenter__(self) -> "AsyncSparseClient":
        """Return the client; it connects with the first request."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the connection."""
        await self.close()

    async def _encode(
        self, texts: Iterable[str], route: str, show_progress: bool | None, dense: bool = False
    ) -> Any:  # list[SparseVector], or with `dense` Hybrid
        if not dense:
            return await self._rows(texts, route, show_progress, read_vectors)
        model = self._name(route)
        config = await self._connection.config(model)
        if DENSE not in config.outputs:
            where = f"{self._address.url}, model {model!r}"
            raise SparseClientError(f"{where} gives no dense embeddings: export its bundle with --with-dense")
        return hybrid(await self._rows(texts, route, show_progress, read_hybrid), config.dense_dim)

    async def _rows(
        self,
        texts: Iterable[str],
        route: str,
        show_progress: bool | None,
        read: Callable[[Mapping[str, NDArray[Any]], int, int | None], list[_T]],
    ) -> list[_T]:
        checked, most = checked_texts(texts), self._options.max_active_dims
        shown = len(checked) > CHUNK_TEXTS and sys.stderr.isatty() if show_progress is None else bool(show_progress)
        with progress_bar(len(checked), shown) as advance:

            async def send(positions: list[int]) -> list[_T]:
                rows = await self._connection.infer(
                    self._name(route),
                    lambda: text_tensors([checked[position] for position in positions]),
                    lambda outputs: read(outputs, len(positions), most),
                )
                advance(len(positions))
                return rows

            return await self._in_batches([len(text) for text in checked], self._name(route), send)

    async def _decode(
        self, vectors: Sequence[SparseVector], read: Callable[[Mapping[str, NDArray[Any]], int], Sequence[_T]]
    ) -> list[_T]:
        async def send(positions: list[int]) -> Sequence[_T]:
            batch = [vectors[position] for position in positions]
            return await self._connection.infer(
                self._name("decode"), lambda: to_sparse(batch), lambda outputs: read(outputs, len(positions))
            )

        return await self._in_batches([len(vector) for vector in vectors], self._name("decode"), send)

    async def _in_batches(
        self, sizes: Sequence[int], model: str, send: Callable[[list[int]], Awaitable[Sequence[_T]]]
    ) -> list[_T]:
        """Send what the server takes at once, batches side by side; return the results in the order of the inputs."""
        if not sizes:
            return []
        most = (await self._connection.config(model)).max_batch_size
        parts = batches(sizes, min(most, self._options.batch_size or most))
        tasks = [asyncio.ensure_future(send(part)) for part in parts]
        try:
            answers = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # one failure fails the call: what the others are at is of no use any more
                task.cancel()
        done = {at: one for part, rows in zip(parts, answers, strict=True) for at, one in zip(part, rows, strict=True)}
        return [done[position] for position in range(len(sizes))]

    async def _vector(self, given: str | SparseVector, route: str) -> SparseVector:
        if isinstance(given, SparseVector):
            return given
        if not isinstance(given, str):
            raise InputError(f"{route} is {type(given).__name__}, expected a text or a SparseVector")
        check_unicode(given, route)
        return (await self._encode([given], route, False))[0]

    async def _labels(self, dimensions: NDArray[np.int32]) -> list[str]:
        if TOKENS not in (await self._connection.config(self._name("decode"))).outputs:
            return feature_labels(dimensions)
        vector = SparseVector(dimensions, np.ones(len(dimensions)))
        return [label for label, _ in (await self.decode([vector], top=None))[0]]

    async def _require(self, output: str, otherwise: str) -> None:
        given = (await self._connection.config(self._name("decode"))).outputs
        if output not in given:
            where = f"{self._address.url}, model {self._name('decode')!r}"
            raise SparseClientError(f"{where} gives {', '.join(given)}, not {output}: {otherwise}")

    def _name(self, part: str) -> str:
        return f"{self._model}_{part}"
