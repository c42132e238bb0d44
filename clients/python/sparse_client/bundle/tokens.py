"""Text to token ids, as one route of a bundle wants it, and ids to a padded batch."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.facts import Route
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.slow_tokens import SlowTokenizer
from sparse_client.errors import BundleError


class Tokenizer(Protocol):
    """What turns texts into token ids, cut to the length of a route."""

    pad_id: int

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""

    def token(self, index: int) -> str | None:
        """Return the token of an id, None where there is none."""


class RouteTokenizer:
    """The tokenizer of one route; may be used from several threads.

    Args:
        root: The bundle's folder.
        route: The route.

    Raises:
        BundleError: If the tokenizer cannot be read, or draws its ids at random.
        SparseClientError: If it needs a package that is not installed.
    """

    def __init__(self, root: Path, route: Route) -> None:
        self._prompt = route.prompt
        self._tokenizer: Tokenizer = (FastTokenizer if route.python_tokenizer is None else SlowTokenizer)(root, route)

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the token ids of each text, int64 ``[sequence]``, with the prompt in front."""
        return [np.array(row, np.int64) for row in self._tokenizer.ids([self._prompt + text for text in texts])]

    def label(self, index: int) -> str:
        """Return the token of a dimension; one that no token has, in a padded vocabulary, is `[dimension 123]`."""
        token = self._tokenizer.token(index)
        return f"[dimension {index}]" if token is None else token

    def pad(self, rows: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
        """Return ``input_ids`` and ``attention_mask``, int64 ``[batch, longest]``, longest being at least 1.

        Padding stands on the right whatever the tokenizer says: on the left it would move the positions of a text, and
        its vector would depend on its neighbours.
        """
        width = max(1, *(len(row) for row in rows))
        ids = np.full((len(rows), width), self._tokenizer.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for position, row in enumerate(rows):
            ids[position, : len(row)] = row
            mask[position, : len(row)] = 1
        return {"input_ids": ids, "attention_mask": mask}


class Tokenizers:
    """The tokenizers of a bundle's routes, each read on first use; may be used from several threads.

    Args:
        bundle: The bundle.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._read: dict[Route, RouteTokenizer] = {}
        self._lock = Lock()

    def of(self, name: str) -> RouteTokenizer:
        """Return the tokenizer of a route.

        Raises:
            BundleError: If there is no such route, or as `RouteTokenizer`.
        """
        routes = self._bundle.manifest.routes
        if name not in routes:
            raise BundleError(f"{self._bundle.path} has no route {name!r}, it has: {', '.join(routes)}")
        with self._lock:
            if routes[name] not in self._read:  # both routes of a symmetric bundle have the same one
                self._read[routes[name]] = RouteTokenizer(self._bundle.path, routes[name])
            return self._read[routes[name]]


class FastTokenizer:
    """A tokenizer.json, run by the library that made it.

    Args:
        root: The bundle's folder.
        route: The route.

    Raises:
        BundleError: If it cannot be read, or draws its ids at random.
    """

    def __init__(self, root: Path, route: Route) -> None:
        assert route.tokenizer is not None  # a bundle that takes tokens
        self._special = route.add_special_tokens
        self._tokenizer = _load(root / route.tokenizer)
        self.pad_id: int = (self._tokenizer.padding or {}).get("pad_id", 0)
        # Batches are made by length after tokenizing, so padding here would only be undone.
        self._tokenizer.no_padding()
        _truncate(self._tokenizer, route.max_length)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        if len(texts) == 1:  # a query is mostly alone, and a pool of threads would only have to be woken
            return [self._tokenizer.encode(texts[0], add_special_tokens=self._special).ids]
        return [one.ids for one in self._tokenizer.encode_batch_fast(texts, add_special_tokens=self._special)]

    def token(self, index: int) -> str | None:
        """Return the token of an id."""
        found: str | None = self._tokenizer.id_to_token(index)
        return found


def _load(path: Path) -> Any:
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise BundleError(f"{path} is not a tokenizer that tokenizers can read ({error})") from error
    dropout = getattr(tokenizer.model, "dropout", None)
    if dropout:
        raise BundleError(
            f"{path} drops merges at random (dropout is {dropout:g}): a text would have other ids each time"
        )
    return tokenizer


def _truncate(tokenizer: Any, max_length: int | None) -> None:
    current = tokenizer.truncation
    if max_length is None:
        tokenizer.no_truncation()
    elif not current or current["max_length"] != max_length:
        tokenizer.enable_truncation(**{**(current or {}), "max_length": max_length})
