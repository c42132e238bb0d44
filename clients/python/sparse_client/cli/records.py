"""What the commands read: texts given as arguments, text files, JSONL files."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sparse_client.errors import InputError
from sparse_client.texts import check_unicode
from sparse_client.vectors import SparseVector

STDIN = "-"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to encode or decode.

    Attributes:
        content: The text, or the vector where one was read.
        label: What the output is to carry along: the `id` or `_id` of the input, else the text.
    """

    content: str | SparseVector
    label: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records come from.

    Attributes:
        texts: Texts given as arguments.
        path: A file, `-` for standard input, None if texts are given.
        jsonl: Read JSONL whatever the file is called.
        field: The field that holds the text.
        dimension: Accept vectors too, with indices below this; None for texts only.
    """

    texts: Sequence[str]
    path: str | None
    jsonl: bool
    field: str
    dimension: int | None = None

    def records(self) -> Iterator[Record]:
        """Read one record after the other.

        Raises:
            InputError: If a record cannot be used; names the file and the line.
        """
        if bool(self.texts) == (self.path is not None):
            raise InputError("give either texts or --input FILE ('-' for standard input)")
        if self.path is None:
            for position, text in enumerate(self.texts, start=1):
                yield _text_record(text, f"argument {position}")
            return
        parse = self._parsed if self.jsonl or self.path.endswith(".jsonl") else _text_record
        for where, line in _lines(self.path):
            if parse is _text_record or line.strip():
                yield parse(line, where)

    def _parsed(self, line: str, where: str) -> Record:
        fields = _json_object(line, where)
        label: dict[str, Any] = {key: fields[key] for key in ("id", "_id") if key in fields}
        if self.dimension is not None and {"indices", "values"} <= fields.keys():
            text = {"text": fields["text"]} if isinstance(fields.get("text"), str) else {}
            return Record(_vector(fields, where, self.dimension), label or text)
        if self.field not in fields:
            vectors = ", nor 'indices' and 'values'" if self.dimension is not None else ""
            raise InputError(
                f"{where} has no field {self.field!r}{vectors}, only {_names(fields)}: name one with --field"
            )
        text = fields[self.field]
        if not isinstance(text, str):
            raise InputError(f"{where}: field {self.field!r} holds {json.dumps(text)[:40]}, expected a text in quotes")
        check_unicode(text, f"{where}: field {self.field!r}")
        return Record(text, label or {"text": text})


def _text_record(text: str, where: str) -> Record:
    check_unicode(text, where)
    return Record(text, {"text": text})


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        # json counts lines within what it was given, which is always line 1 here
        reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        raise InputError(f"{where} is not valid JSON ({reason}): expected one JSON object per line") from error
    if not isinstance(value, dict):
        raise InputError(f'{where} holds {line.strip()[:40]}, expected a JSON object like {{"text": ...}}')
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _vector(fields: dict[str, Any], where: str, dimension: int) -> SparseVector:
    try:
        vector = SparseVector(fields["indices"], fields["values"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if len(vector) and vector.indices.max() >= dimension:
        raise InputError(f"{where} has index {vector.indices.max()}, but this bundle has {dimension} dimensions")
    return vector


def _names(fields: dict[str, Any]) -> str:
    return ", ".join(repr(name) for name in list(fields)[:8]) or "nothing"


def _lines(path: str) -> Iterator[tuple[str, str]]:
    name = "standard input" if path == STDIN else path
    with _opened(path) as stream:
        for number, raw in enumerate(stream, start=1):
            where = f"{name}, line {number}"
            try:
                yield where, raw.removeprefix(_BOM if number == 1 else b"").rstrip(b"\r\n").decode()
            except UnicodeDecodeError as error:
                byte = f"0x{error.object[error.start]:02x} at byte {error.start}"
                raise InputError(f"{where} is not UTF-8 ({byte}): save the file as UTF-8") from error


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(
            f"--input {path} cannot be read: {error.strerror}; give a file, or '-' for standard input"
        ) from error
