"""What is encoded or decoded: texts given as arguments, or the rows of files."""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from sparse_client.corpus.files import kind_of, paths_of, rows
from sparse_client.errors import InputError
from sparse_client.formats.encoded import IDS
from sparse_client.texts import check_unicode
from sparse_client.vectors import SparseVector


@dataclass(frozen=True, slots=True)
class Record:
    """One thing to encode or decode.

    Attributes:
        content: The text, or the vector where one was read.
        label: What the output is to carry along: the `id` or `_id` of the input, else the text.
        where: The file and line that it stands in, for errors.
    """

    content: str | SparseVector
    label: dict[str, Any]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the records come from.

    Attributes:
        texts: Texts given as arguments.
        path: A file or a pattern, `-` for standard input, None if texts are given.
        jsonl: Read lines as JSON whatever the file is called.
        field: The field that holds the text.
        id_field: The field that holds the id, None for `id` or `_id`, if there is one.
        title_field: A field whose text is put in front, with a space; None for none.
        dimension: Accept vectors too, with indices below this; None for texts only.
        skip: Called with the error of a record that cannot be used, which is left out then; None lets it stop.
    """

    texts: Sequence[str] = ()
    path: str | None = None
    jsonl: bool = False
    field: str = "text"
    id_field: str | None = None
    title_field: str | None = None
    dimension: int | None = None
    skip: Callable[[InputError], object] | None = None

    def records(self) -> Iterator[Record]:
        """Read one record after the other.

        Raises:
            InputError: If a record cannot be used; names the file and the line.
        """
        for where, row in self._rows():
            try:
                record = self._record(row, where)
            except InputError as error:
                if self.skip is None:
                    raise
                self.skip(error)
                continue
            if record is not None:
                yield record

    def _rows(self) -> Iterator[tuple[str, Any]]:  # str, bytes, _Json or fields by name
        if bool(self.texts) == (self.path is not None):
            raise InputError("give either texts or --input FILE ('-' for standard input)")
        if self.path is None:
            yield from ((f"argument {position}", text) for position, text in enumerate(self.texts, start=1))
            return
        ids = IDS if self.id_field is None else (self.id_field,)
        wanted = [self.field, *ids, *([self.title_field] if self.title_field else [])]
        for path in paths_of(self.path):
            json_lines = self.jsonl or kind_of(path) == ".jsonl"
            for where, row in rows(path, wanted):
                yield where, _Json(row) if json_lines and isinstance(row, bytes) else row

    def _record(self, row: Any, where: str) -> Record | None:
        if isinstance(row, _Json):
            line = _decoded(row.line, where)
            return self._parsed(_json_object(line, where), where) if line.strip() else None
        if isinstance(row, dict):
            return self._parsed(row, where)
        text: str = _decoded(row, where) if isinstance(row, bytes) else row
        check_unicode(text, where)
        return Record(text, {"text": text}, where)

    def _parsed(self, fields: dict[str, Any], where: str) -> Record:
        if None in fields:
            raise InputError(f"{where} has more fields than the first line names: quote a field that has the separator")
        label = self._label(fields, where)
        if self.dimension is not None and {"indices", "values"} <= fields.keys():
            own = {"text": fields["text"]} if isinstance(fields.get("text"), str) else {}
            return Record(_vector(fields, where, self.dimension), label or own, where)
        if self.field not in fields:
            vectors = ", nor 'indices' and 'values'" if self.dimension is not None else ""
            raise InputError(
                f"{where} has no field {self.field!r}{vectors}, only {_names(fields)}: name one with --field"
            )
        text = self._text(fields, self.field, where)
        if self.title_field is not None and fields.get(self.title_field):
            text = f"{self._text(fields, self.title_field, where)} {text}"
        return Record(text, label or {"text": text}, where)

    def _label(self, fields: dict[str, Any], where: str) -> dict[str, Any]:
        if self.id_field is None:
            label = {key: fields[key] for key in IDS if key in fields}
        elif fields.get(self.id_field) is None:
            raise InputError(f"{where} has no id {self.id_field!r}, only {_names(fields)}: name one with --id-field")
        else:
            label = {"id": fields[self.id_field]}
        for name, value in label.items():
            if isinstance(value, (bytes, datetime.date, datetime.time, decimal.Decimal)):  # of Parquet and Arrow
                raise InputError(f"{where}: the id {name!r} is {type(value).__name__}, expected a text or a number")
        return label

    def _text(self, fields: dict[str, Any], name: str, where: str) -> str:
        text = fields[name]
        if not isinstance(text, str):
            shown = json.dumps(text, default=str)[:40]
            raise InputError(f"{where}: field {name!r} holds {shown}, expected a text in quotes")
        check_unicode(text, f"{where}: field {name!r}")
        return text


@dataclass(slots=True)
class Skipped:
    """Lists the errors of records that are left out, a line each, and counts them."""

    stream: TextIO
    count: int = 0

    def __call__(self, error: InputError) -> None:
        """List one."""
        self.count += 1
        self.stream.write(f"{error}\n")


@dataclass(frozen=True, slots=True)
class _Json:
    """A line that holds a JSON object."""

    line: bytes


def _decoded(line: bytes, where: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        byte = f"0x{line[error.start]:02x} at byte {error.start}"
        raise InputError(f"{where} is not UTF-8 ({byte}): save the file as UTF-8") from error


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
