"""The tokenizer of a checkpoint: whether it can be used, and as one tokenizer.json with truncation and padding."""

from __future__ import annotations

from typing import Any, cast

from tokenizers import Tokenizer
from transformers import PreTrainedModel

from sparse_export.errors import CheckpointError

FEWEST_WORDS = 10  # tokens that are not special; transformers makes up a tokenizer without any where it finds no file


def check_usable(name: str, tokenizer: Any, model: PreTrainedModel | None) -> None:
    """Check that a tokenizer has words, gives a text the same ids each time, and none that its model does not know.

    Args:
        name: The checkpoint, for errors.
        tokenizer: What transformers made of its files.
        model: The model that takes its ids; None for a table of query weights, which is compared where it is read.

    Raises:
        CheckpointError: It has not, or does not.
    """
    special = getattr(tokenizer, "all_special_tokens", None)
    if special is not None and len(tokenizer) - len(special) < FEWEST_WORDS:
        raise CheckpointError(
            f"'{name}' has no tokenizer, or an empty one; put the tokenizer's files (tokenizer.json) beside the model."
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    dropout = getattr(backend and backend.model, "dropout", None)
    if dropout:
        raise CheckpointError(
            f"The tokenizer of '{name}' drops merges at random (dropout is {dropout:g}), so a text has other ids each "
            'time; set "dropout" of "model" in its tokenizer.json to null.'
        )
    rows = None if model is None else len(cast(Any, model.get_input_embeddings()).weight)
    beyond = sorted((index, token) for token, index in tokenizer.get_vocab().items() if rows and index >= rows)
    if beyond:
        index, token = beyond[0]
        raise CheckpointError(
            f"The tokenizer of '{name}' has {len(beyond)} tokens that the model has no embedding for, such as "
            f"{token!r} with id {index}, where ids end at {(rows or 0) - 1}; remove them from the tokenizer, or resize "
            "the embeddings and finetune."
        )


def is_fast(tokenizer: Any) -> bool:
    """Tell whether a transformers tokenizer can be written as one tokenizer.json."""
    return getattr(tokenizer, "backend_tokenizer", None) is not None


def effective_tokenizer(tokenizer: Any, max_length: int | None) -> Tokenizer:
    """Return a copy of a transformers tokenizer's backend that truncates and pads by itself.

    Args:
        tokenizer: A fast transformers tokenizer, as sentence-transformers changed it while loading.
        max_length: Tokens of a text, special tokens included; None does not truncate.
    """
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
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
