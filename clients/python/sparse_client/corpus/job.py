"""A corpus is cut into parts; each part is encoded and written whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sparse_client.corpus.folder import Part
from sparse_client.corpus.records import Record
from sparse_client.corpus.shipped import sha256_of
from sparse_client.corpus.weights import Weights
from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space
from sparse_client.formats.table import FORMATS
from sparse_client.replace import replacing

if TYPE_CHECKING:
    from sparse_client.local import LocalEncoder
    from sparse_client.server.sync_client import SparseClient
    from sparse_client.vectors import SparseVector

    Encoder = LocalEncoder | SparseClient
    OpenEncoder = Callable[[str | None, int | None], Encoder]

STEP = 1024  # texts between two reports of progress
PART_CHARACTERS = 64_000_000
"""A part of long texts has fewer of them, as all its texts are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one part.

    Attributes:
        number: Which part, from 0.
        start: Place of its first text in the corpus, from 1.
        records: The texts.
    """

    number: int
    start: int
    records: list[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How each part is made; goes to every process.

    Attributes:
        open_encoder: Opens a bundle by its folder, which is None where a server encodes, with so many threads, None for
            ONNX Runtime's choice.
        bundle: Folder of the bundle, None for a server.
        threads: Threads of each encoder.
        path: The folder to write to.
        form: Name of the format.
        route: `document` or `query`.
        dense: Also write dense embeddings.
        weights: Which weights are written, and as what.
    """

    open_encoder: OpenEncoder
    bundle: str | None
    threads: int | None
    path: Path
    form: str
    route: str
    dense: bool
    weights: Weights

    def encoder(self) -> Encoder:
        """Open the bundle, or make a client of the server."""
        return self.open_encoder(self.bundle, self.threads)

    def run(self, encoder: Encoder, texts: Texts, advance: Callable[[int], object]) -> Part:
        """Encode and write one part."""
        encode = encoder.encode_queries if self.route == "query" else encoder.encode_documents
        rows, clipped = list[Encoded](), 0
        for start in range(0, len(texts.records), STEP):
            records = texts.records[start : start + STEP]
            given = [str(record.content) for record in records]
            vectors, embeddings = encode(given, False, dense=True) if self.dense else (encode(given, False), None)
            for position, (record, vector) in enumerate(zip(records, vectors, strict=True)):
                dense = None if embeddings is None else embeddings[position]
                rows.append(Encoded(texts.start + start + position, record.label, self._kept(record, vector), dense))
                clipped += self.weights.clipped(vector)
            advance(len(records))
        form = FORMATS[self.form]
        target = self.path / f"part-{texts.number:05d}{form.suffix}"
        with replacing(target) as new:
            form.write(new, rows, space_of(encoder, self.bundle))
            size = new.stat().st_size
        active = sum(len(row.vector) for row in rows)
        return Part(target.name, size, len(rows), active, clipped, rows[0].id, rows[-1].id)

    def _kept(self, record: Record, vector: SparseVector) -> SparseVector:
        try:
            return self.weights.of(vector)
        except InputError as error:
            raise InputError(f"{record.where}: {error}") from error


def space_of(encoder: Encoder, bundle: str | None) -> Space:
    """Return what a format may need to know."""
    if bundle is None:
        return Space(bundle=None, dimension=None, words=None)
    local = cast("LocalEncoder", encoder)
    return Space(bundle=sha256_of(bundle), dimension=local.dimension, words=local.words())


def cut(records: Iterator[Record], most: int) -> Iterator[Texts]:
    """Cut a corpus into parts, always the same ones.

    Args:
        records: The corpus.
        most: Texts of a part, at most.
    """
    number, start, part, characters = 0, 1, list[Record](), 0
    for record in records:
        size = len(str(record.content))
        if part and (len(part) == most or characters + size > PART_CHARACTERS):
            yield Texts(number, start, part)
            number, start, part, characters = number + 1, start + len(part), [], 0
        part.append(record)
        characters += size
    if part:
        yield Texts(number, start, part)
