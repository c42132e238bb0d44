"""The effective tokenizer of a checkpoint as one tokenizer.json: lowercasing, truncation and padding included."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer

from sparse_export.errors import CheckpointError, UnsupportedCheckpointError


def effective_tokenizer(tokenizer: Any, max_length: int | None) -> Tokenizer:
    """Return a copy of a transformers tokenizer's backend that truncates and pads by itself.

    Args:
        tokenizer: A fast transformers tokenizer, as sentence-transformers changed it while loading.
        max_length: Tokens of a text, special tokens included; None does not truncate.

    Raises:
        UnsupportedCheckpointError: There is no fast tokenizer.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UnsupportedCheckpointError(
            f"The tokenizer {type(tokenizer).__name__} has no fast form (tokenizer.json); convert it first."
        )
    copy = Tokenizer.from_str(backend.to_str())
    copy.no_truncation()
    if max_length is not None:
        copy.enable_truncation(max_length, strategy="longest_first", direction=tokenizer.truncation_side)
    copy.enable_padding(
        direction=tokenizer.padding_side,
        pad_id=tokenizer.pad_token_id or 0,
        pad_type_id=tokenizer.pad_token_type_id,
        pad_token=tokenizer.pad_token or "",
    )
    return copy


def token_labels(tokenizer: Tokenizer, dimension: int) -> list[str]:
    """Return a label for each dimension; one that no token has, in a padded vocabulary, is called `[dimension N]`."""
    labels = (tokenizer.id_to_token(index) for index in range(dimension))
    return [f"[dimension {index}]" if label is None else label for index, label in enumerate(labels)]


def check_same_labels(document: Any, query: Any) -> None:
    """Check that the tokenizers of two towers call each dimension the same: a score multiplies dimension by dimension.

    Raises:
        CheckpointError: An id is one token in documents and another in queries.
    """
    one, other = ({index: token for token, index in side.get_vocab().items()} for side in (document, query))
    different = sorted(index for index in one.keys() & other.keys() if one[index] != other[index])
    if different:
        index = different[0]
        raise CheckpointError(
            f"The vocabularies of the two routes differ in {len(different)} tokens: {index} is {one[index]!r} in "
            f"documents and {other[index]!r} in queries; both towers must share one vocabulary."
        )
