"""Texts in files: a line each, or JSON objects with a `text`. Errors name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparse_export.errors import InputError


def read_texts(path: Path) -> list[str]:
    """Read a text a line, or of each JSON object in a file named .jsonl its `text`, after its `title` if it has one.

    Raises:
        InputError: The file is missing or holds no text, or a line is malformed.
    """
    from_line = text_of_object if path.suffix == ".jsonl" else lambda _where, line: line
    texts = [from_line(where, line) for where, line in lines(path)]
    if not texts:
        raise InputError(f"{path}: holds no text.")
    return texts


def text_of_object(where: str, line: str) -> str:
    """Return the text of one JSON object."""
    return text_of(where, read_object(where, line))


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield `file:line` and the text of every line that is not blank."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    with file:
        # Bytes are split at newlines only: text mode would split JSON at U+2028 too, and name no line for bad UTF-8.
        for number, raw in enumerate(file, start=1):
            where = f"{path}:{number}"
            try:
                line = raw.decode().rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise InputError(f"{where}: not UTF-8: {error.reason} at byte {error.start}.") from error
            if line.strip():
                yield where, line


def read_object(where: str, line: str) -> dict[str, Any]:
    """Return the JSON object of a line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {error}.") from error
    if not isinstance(record, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(record).__name__}.")
    return record


def text_of(where: str, record: dict[str, Any]) -> str:
    """Return `text`, after `title` and a space where there is one: what BEIR's own loaders give a model."""
    text = field(where, record, "text")
    title = field(where, record, "title") if record.get("title") is not None else ""
    return f"{title} {text}".strip()


def field(where: str, record: dict[str, Any], name: str) -> str:
    """Return a string of a record."""
    if name not in record:
        raise InputError(f"{where}: the field {name!r} is missing; the line has {', '.join(map(repr, record))}.")
    value = record[name]
    if not isinstance(value, str):
        raise InputError(f"{where}: the field {name!r} must be a string, got {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can spell half a surrogate pair, which no tokenizer accepts
        raise InputError(f"{where}: the field {name!r} holds a lone surrogate at character {error.start}.") from error
    return value
