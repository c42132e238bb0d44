"""What may be encoded: a list of texts without lone surrogates; and how it is cut into chunks."""

from collections.abc import Iterable, Iterator

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
