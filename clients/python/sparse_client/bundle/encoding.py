"""Token ids to rows of a graph's outputs: which texts are run together, and which route is looked up instead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.lookup import QueryTable
from sparse_client.bundle.outputs import OUTPUTS, Reader
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.bundle.tokens import Tokenizers
from sparse_client.errors import BundleError, InputError
from sparse_client.vectors import SparseVector

_T = TypeVar("_T")

# Tokens of one run, padding included: what a layer computes then stays in the processor's caches.
RUN_TOKENS = 1024


class Encoding:
    """Runs the graphs of a bundle on token ids; may be used from several threads.

    Args:
        bundle: The bundle.
        sessions: Of its graphs.
        batch_size: Texts of a run, at most.
        max_active_dims: As for `LocalEncoder`.

    Raises:
        BundleError: If its graphs give vectors of a form that is not known here.
    """

    def __init__(self, bundle: Bundle, sessions: Sessions, batch_size: int, max_active_dims: int | None) -> None:
        if bundle.manifest.output not in OUTPUTS:
            known = ", ".join(OUTPUTS)
            raise BundleError(
                f"{bundle.path} gives {bundle.manifest.output!r} vectors, expected {known}: upgrade sparse-client"
            )
        self._bundle = bundle
        self._sessions = sessions
        self._batch_size = batch_size
        self._max_active_dims = max_active_dims
        self._table: QueryTable | None = None
        self._lock = Lock()
        self.tokenizers = Tokenizers(bundle)
        self.reader: Reader[SparseVector] = OUTPUTS[bundle.manifest.output]

    def in_order(
        self,
        rows: Sequence[NDArray[np.int64]],
        route: str,
        reader: Reader[_T],
        advance: Callable[[int], object] = lambda _: None,
    ) -> list[_T]:
        """Encode rows of token ids, int64 ``[sequence]`` each.

        Args:
            rows: The rows.
            route: `document` or `query`.
            reader: What to make of the outputs.
            advance: Called with the number of rows after each run.

        Returns:
            What `reader` makes of each row, in their order.

        Raises:
            BundleError: If the graph cannot be loaded, fails, or gives something that is not a vector.
        """
        done: dict[int, _T] = {}
        for positions, batch in self._runs(rows, route, reader):
            done.update(zip(positions, batch, strict=True))
            advance(len(positions))
        return [done[position] for position in range(len(rows))]

    def outputs(self, graph: str, inputs: Mapping[str, NDArray[Any]], reader: Reader[_T]) -> list[_T]:
        """Run a graph once; raises as `in_order`."""
        wanted, to_rows = reader
        try:
            return to_rows(self._sessions.run(graph, inputs, wanted), self._max_active_dims)
        except InputError as error:
            raise BundleError(f"{self._bundle.path / graph} gave an invalid vector: {error}") from error

    def _runs(
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
            inputs = self.tokenizers.of(name).pad([rows[position] for position in positions])
            yield positions, self.outputs(self._bundle.manifest.routes[name].graph, inputs, reader)

    def _query_table(self) -> QueryTable:
        with self._lock:
            if self._table is None:
                self._table = QueryTable(self._bundle)
            return self._table
