"""Text to token ids, as one route of a bundle wants it, and ids to a padded batch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.facts import Route
from sparse_client.errors import BundleError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class RouteTokenizer:
    """The tokenizer of one route; may be used from several threads.

    Args:
        root: The bundle's folder.
        route: The route.

    Raises:
        BundleError: If the tokenizer cannot be read, or draws its ids at random.
    """

    def __init__(self, root: Path, route: Route) -> None:
        assert route.tokenizer is not None  # a bundle that takes tokens
        self._prompt = route.prompt
        self._special = route.add_special_tokens
        self._tokenizer = _load(root / route.tokenizer)
        padding = self._tokenizer.padding or {}
        self._pad_id: int = padding.get("pad_id", 0)
        # Batches are made by length after tokenizing, so padding here would only be undone.
        self._tokenizer.no_padding()
        _truncate(self._tokenizer, route.max_length)

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the token ids of each text, int64 ``[sequence]``, with the prompt in front."""
        prompted = [self._prompt + text for text in texts]
        if len(prompted) == 1:  # a query is mostly alone, and a pool of threads would only have to be woken
            encodings = [self._tokenizer.encode(prompted[0], add_special_tokens=self._special)]
        else:
            encodings = self._tokenizer.encode_batch_fast(prompted, add_special_tokens=self._special)
        return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]

    def label(self, index: int) -> str:
        """Return the token of a dimension; one that no token has, in a padded vocabulary, is `[dimension 123]`."""
        token = self._tokenizer.id_to_token(index)
        return f"[dimension {index}]" if token is None else token

    def pad(self, rows: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
        """Return ``input_ids`` and ``attention_mask``, int64 ``[batch, longest]``, longest being at least 1.

        Padding stands on the right whatever the tokenizer says: on the left it would move the positions of a text, and
        its vector would depend on its neighbours.
        """
        width = max(1, *(len(row) for row in rows))
        ids = np.full((len(rows), width), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for position, row in enumerate(rows):
            ids[position, : len(row)] = row
            mask[position, : len(row)] = 1
        return {"input_ids": ids, "attention_mask": mask}


def _load(path: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise BundleError(f"{path} is not a tokenizer that tokenizers can read ({error})") from error
    dropout = getattr(tokenizer.model, "dropout", None)
    if dropout:
        raise BundleError(
            f"{path} drops merges at random (dropout is {dropout:g}): a text would have other ids each time"
        )
    return tokenizer


def _truncate(tokenizer: "Tokenizer", max_length: int | None) -> None:
    current = tokenizer.truncation
    if max_length is None:
        tokenizer.no_truncation()
    elif not current or current["max_length"] != max_length:
        tokenizer.enable_truncation(**{**(current or {}), "max_length": max_length})
