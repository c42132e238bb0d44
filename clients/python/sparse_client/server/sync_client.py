"""Encode and decode on a Triton server, without asyncio: the same client, in an event loop of its own thread."""

import asyncio
import weakref
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread, current_thread
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.outputs import Hybrid
from sparse_client.errors import SparseClientError
from sparse_client.overlap import Contribution
from sparse_client.parity.golden import Report
from sparse_client.server.async_client import AsyncSparseClient
from sparse_client.server.options import ClientOptions
from sparse_client.vectors import SparseVector

_T = TypeVar("_T")
_CLOSING_SECONDS = 2.0


class SparseClient:
    """Encode texts on a Triton server with the methods of `LocalEncoder`; may be used from several threads.

    Args:
        url: The server: `http://`, `https://`, `grpc://` or `grpcs://`, host and port.
        model: The name that the bundle has there.
        headers: Sent with every request, such as `{"authorization": "Bearer ..."}`.
        options: Timeout, retries, limits, certificates.

    Raises:
        InputError: If the URL, the name, a header or an option cannot be used.

    Example:
        >>> client = SparseClient("grpc://localhost:8001", model="splade")
        >>> client.encode_documents(["The weather is lovely today."])
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
        self._client = AsyncSparseClient(url, model=model, headers=headers, options=options)
        self._thread = _loop_thread()
        self._close = weakref.finalize(self, _close, self._client, self._thread)

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
        """Encode documents, see `AsyncSparseClient.encode_documents`."""
        return self._wait(self._client._encode(texts, "document", show_progress, dense))

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
        """Encode queries, see `AsyncSparseClient.encode_queries`."""
        return self._wait(self._client._encode(texts, "query", show_progress, dense))

    def encode_token_ids(self, rows: Iterable[Sequence[int]], route: str = "document") -> list[SparseVector]:
        """Encode token ids, see `AsyncSparseClient.encode_token_ids`."""
        return self._wait(self._client.encode_token_ids(rows, route))

    def decode(self, vectors: Iterable[SparseVector], top: int | None = 10) -> list[list[tuple[str, float]]]:
        """Name the strongest dimensions of each vector, see `AsyncSparseClient.decode`."""
        return self._wait(self._client.decode(vectors, top))

    def reconstruct(self, vectors: Iterable[SparseVector]) -> NDArray[np.float32]:
        """Turn features back into dense embeddings, see `AsyncSparseClient.reconstruct`."""
        return self._wait(self._client.reconstruct(vectors))

    def explain(
        self, query: str | SparseVector, document: str | SparseVector, top: int | None = None
    ) -> list[Contribution]:
        """Tell what makes the score of a query and a document, see `LocalEncoder.explain`."""
        return self._wait(self._client.explain(query, document, top))

    def verify(self, bundle: Path | str) -> Report:
        """Replay a bundle's golden vectors through the server, see `AsyncSparseClient.verify`."""
        return self._wait(self._client.verify(bundle))

    def close(self) -> None:
        """Close the connection; otherwise it is closed when the client is collected, or the program ends."""
        self._close()

    def __enter__(self) -> "SparseClient":
        """Return the client; it connects with the first request."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection."""
        self.close()

    def _wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        if not self._close.alive or not self._thread.is_alive():
            coroutine.close()
            reason = "was closed" if not self._close.alive else "was made before this process was forked"
            raise SparseClientError(f"this client {reason}: make another")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._thread.loop)
        try:
            return future.result()
        finally:
            future.cancel()  # Ctrl-C: nobody waits for the answers any more


class _LoopThread(Thread):
    """A thread that runs an event loop until the program ends."""

    def __init__(self) -> None:
        super().__init__(name="sparse-client", daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        self.loop.run_forever()


_lock = Lock()
_shared: _LoopThread | None = None


def _loop_thread() -> _LoopThread:
    """Return the one thread of all clients of this process; a fork's child has not inherited it."""
    global _shared
    with _lock:
        if _shared is None or not _shared.is_alive():
            _shared = _LoopThread()
            _shared.start()
        return _shared


def _close(client: AsyncSparseClient, thread: _LoopThread) -> None:
    if not thread.is_alive():
        return
    future = asyncio.run_coroutine_threadsafe(client.close(), thread.loop)
    if current_thread() is not thread:  # collected by chance in that very thread, it would wait for itself
        future.result(_CLOSING_SECONDS)
