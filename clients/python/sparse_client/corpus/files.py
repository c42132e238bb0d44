"""Rows of files: lines of text or JSON, CSV, TSV, Parquet, Arrow; lines and CSV also as .gz and .zst.

No more than a window of a file is held in memory.
"""

import csv
import glob
import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sparse_client.errors import InputError, SparseClientError, one_line

STDIN = "-"
WINDOW = 1024  # rows of a Parquet or Arrow file that are held at a time
TABLES = {".csv": ",", ".tsv": "\t"}
COLUMNS = (".parquet", ".arrow", ".feather")
COMPRESSED = (".gz", ".zst")
_BOM = b"\xef\xbb\xbf"

Row = tuple[str, bytes | dict[str, Any]]
"""Where it stands, for errors; and a line without its end, or fields by name."""


def paths_of(given: str) -> list[str]:
    """Return the files that a name or a pattern (`corpus/*.jsonl`) stands for, sorted.

    Raises:
        InputError: If there is none.
    """
    if given == STDIN or Path(given).exists() or not glob.has_magic(given):
        return [given]
    found = sorted(path for path in glob.glob(given, recursive=True) if Path(path).is_file())  # noqa: PTH207
    if not found:
        raise InputError(f"--input {given}: no file has such a name")
    return found


def kind_of(path: str) -> str:
    """Return the ending that says what a file holds, such as `.jsonl` of `corpus.jsonl.gz`."""
    plain = Path(path)
    return (plain.with_suffix("") if plain.suffix in COMPRESSED else plain).suffix.lower()


def rows(path: str, columns: Sequence[str]) -> Iterator[Row]:
    """Read one row after the other.

    Args:
        path: The file, or `-` for standard input.
        columns: The fields that are wanted of a Parquet or Arrow file, the first of which it must have.

    Raises:
        InputError: If the file cannot be read.
        SparseClientError: If that needs a package that is not installed.
    """
    kind = kind_of(path) if path != STDIN else ""
    try:
        if kind in COLUMNS:
            yield from _columns(path, kind, columns)
            return
        with _opened(path) as stream:
            yield from _table(path, stream, TABLES[kind]) if kind in TABLES else _lines(path, stream)
    except (OSError, EOFError, zlib.error) as error:  # the latter two of .gz that is cut off or damaged
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"--input {path} cannot be read: {reason}; give a file, or '-' for standard input") from error


def _lines(path: str, stream: IO[bytes]) -> Iterator[Row]:
    name = "standard input" if path == STDIN else path
    for number, line in enumerate(stream, start=1):
        yield f"{name}, line {number}", line.removeprefix(_BOM if number == 1 else b"").rstrip(b"\r\n")


def _table(path: str, stream: IO[bytes], delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # a text of 10 MB is a text
    with io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        reader = csv.DictReader(text, delimiter=delimiter, strict=True)
        try:
            names = list(reader.fieldnames or ())
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise InputError(f"{path} names the field {twice[0]!r} twice in its first line: rename one")
            for row in reader:
                yield f"{path}, line {reader.line_num}", row
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path}, after line {reader.line_num}, is not CSV in UTF-8 ({error})") from error


def _columns(path: str, kind: str, wanted: Sequence[str]) -> Iterator[Row]:
    arrow = _pyarrow()
    try:
        schema, batches = (_parquet if kind == ".parquet" else _arrow)(path, wanted)
        if wanted[0] not in schema.names:
            raise InputError(
                f"{path} has no column {wanted[0]!r}, only {', '.join(schema.names)}: name one with --field"
            )
        number = 0
        for batch in batches:
            for row in batch.select([name for name in wanted if name in schema.names]).to_pylist():
                number += 1
                yield f"{path}, row {number}", row
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as {kind[1:]}: {one_line(error)}") from error


def _parquet(path: str, wanted: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    columns = [name for name in wanted if name in file.schema_arrow.names]
    return file.schema_arrow, file.iter_batches(WINDOW, columns=columns)


def _arrow(path: str, _wanted: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    import pyarrow

    source = pyarrow.memory_map(path)
    try:
        file = pyarrow.ipc.open_file(source)
    except pyarrow.ArrowInvalid:  # Arrow's other form, which has no end
        source.seek(0)
        file = pyarrow.ipc.open_stream(source)
        return file.schema, iter(file)
    return file.schema, (file.get_batch(index) for index in range(file.num_record_batches))


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with Path(path).open("rb") as stream:
        if path.endswith(".gz"):
            with io.BufferedReader(gzip.open(stream)) as plain:
                yield plain
        elif path.endswith(".zst"):
            with io.BufferedReader(_pyarrow().CompressedInputStream(stream, "zstd")) as plain:
                yield plain
        else:
            yield stream


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise SparseClientError(f"this needs pyarrow ({error}): pip install 'sparse-export[corpus]'") from error
    return pyarrow
