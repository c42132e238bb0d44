"""Read a corpus once before it is encoded: how many texts, are they the same as last time, is an id there twice."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from sparse_client.corpus.records import Record, Source
from sparse_client.errors import InputError
from sparse_client.formats.encoded import id_of

Duplicates = Literal["error", "first", "last"]


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found.

    Attributes:
        texts: How many are to be encoded.
        sha256: Of all records, in their order.
        dropped: Positions, from 0, of records whose id another one has that wins.
    """

    texts: int
    sha256: str
    dropped: frozenset[int]

    def kept(self, records: Iterator[Record]) -> Iterator[Record]:
        """Leave out what is dropped.

        Raises:
            InputError: At the end, if these are not the records that were found.
        """
        digest = hashlib.sha256()
        for position, record in enumerate(records):
            digest.update(_bytes_of(record))
            if position not in self.dropped:
                yield record
        if digest.hexdigest() != self.sha256:
            raise InputError("the input changed while it was encoded: delete the folder, and begin again")


def survey(source: Source, duplicates: Duplicates, advance: Callable[[int], object]) -> Survey:
    """Read all records. Ids are kept on disk, so memory does not grow with their number.

    Args:
        source: Where they come from; must be readable twice.
        duplicates: What to do with an id that is there twice.
        advance: Called with the number of records just read.

    Raises:
        InputError: If there is no record, one cannot be used, or an id is there twice and that is an error.
    """
    digest, dropped, count = hashlib.sha256(), set(), 0
    with closing(sqlite3.connect("")) as ids:  # in a file without a name, which ends with it
        ids.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, position INTEGER, place TEXT) WITHOUT ROWID")
        for position, record in enumerate(source.records()):
            digest.update(_bytes_of(record))
            count += 1
            advance(1)
            id_ = id_of(record.label)
            if id_ is None:
                continue
            row = ids.execute("SELECT position, place FROM ids WHERE id = ?", (_key(id_),)).fetchone()
            if row is not None and duplicates == "error":
                raise InputError(
                    f"the id {id_!r} is there twice, at {row[1]} and at {record.where}: give --duplicates first or last"
                )
            if row is not None:
                dropped.add(row[0] if duplicates == "last" else position)
            if row is None or duplicates == "last":
                ids.execute("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", (_key(id_), position, record.where))
    if not count:
        raise InputError(f"--input {source.path} has no text")
    return Survey(count - len(dropped), digest.hexdigest(), frozenset(dropped))


def _bytes_of(record: Record) -> bytes:
    return json.dumps([record.label, record.content]).encode() + b"\n"


def _key(id_: str) -> str:
    return json.dumps(id_)  # a lone surrogate is no text for a database
