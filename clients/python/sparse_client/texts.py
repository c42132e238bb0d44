"""What may be encoded: texts without lone surrogates, or token ids; and how texts are cut into chunks."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sparse_client.errors import InputError

CHUNK_TEXTS = 1024
# Tokenizing takes some 30 times a text's size: a thousand texts of 1 MB at once would take 30 GB.
CHUNK_CHARACTERS = 4_000_000


def checked_texts(texts: Iterable[str]) -> list[str]:
    """Return the texts as a list.

    Raises:
        InputError: If it is not a list of texts, or a text has a lone surrogate.
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise InputError(f"got one {type(texts).__name__}, expected a list of texts: pass [text]")
    checked = list(texts)
    for position, text in enumerate(checked):
        if not isinstance(text, str):
            raise InputError(f"text {position} is {type(text).__name__}, expected str: convert or drop it")
        check_unicode(text, f"text {position}")
    return checked


def checked_token_ids(rows: Iterable[Sequence[int]], most: int | None) -> list[NDArray[np.int64]]:
    """Return rows of token ids as int64 ``[sequence]`` each.

    Args:
        rows: The rows.
        most: How many ids a row may have, None for no limit.

    Raises:
        InputError: If it is not a list of such rows, an id is negative or beyond int32, or a row is longer.
    """
    if not isinstance(rows, Iterable):
        raise InputError(f"got one {type(rows).__name__}, expected a list of lists of token ids")
    checked = []
    for position, row in enumerate(rows):
        try:
            ids = np.asarray(row)
        except (TypeError, ValueError) as error:
            raise InputError(f"row {position} is not a list of token ids ({error})") from error
        # Beyond int32 nothing is a token, and an unsigned number would become a negative one.
        if ids.ndim != 1 or (len(ids) and (ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= 2**31)):
            raise InputError(
                f"row {position} is {ids.dtype} {list(ids.shape)}, expected whole numbers from 0 to 2147483647"
            )
        if most is not None and len(ids) > most:
            raise InputError(f"row {position} has {len(ids)} token ids, at most {most} are allowed: cut it")
        checked.append(ids.astype(np.int64))
    return checked


def check_unicode(text: str, where: str) -> None:
    """Refuse what no tokenizer takes: half of a surrogate pair.

    Args:
        text: The text.
        where: What to call it in the error.

    Raises:
        InputError: If the text has a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} has a lone surrogate (U+{ord(text[error.start]):04X}) at character {error.start}, which is no "
            "character: remove it or decode the text anew"
        ) from error


def chunks(texts: list[str]) -> Iterator[slice]:
    """Cut a list so that no part has more than a thousand texts or, but for one long text, 4 million characters."""
    start = characters = 0
    for position, text in enumerate(texts):
        characters += len(text)
        if position > start and (position - start == CHUNK_TEXTS or characters > CHUNK_CHARACTERS):
            yield slice(start, position)
            start, characters = position, len(text)
    if texts:
        yield slice(start, len(texts))
