"""Encode a corpus into a folder, and go on where an earlier run stopped."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparse_client.corpus.files import STDIN
from sparse_client.corpus.folder import Folder
from sparse_client.corpus.job import Job, Texts, cut
from sparse_client.corpus.processes import encode_in_processes
from sparse_client.corpus.records import Source
from sparse_client.corpus.shipped import sha256_of
from sparse_client.corpus.survey import Duplicates, survey
from sparse_client.corpus.weights import Weights, scale_of
from sparse_client.errors import InputError
from sparse_client.formats.table import FORMATS
from sparse_client.progress import progress

if TYPE_CHECKING:
    from sparse_client.corpus.job import OpenEncoder

SHARD_TEXTS = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides the files of a folder, beside the bundle and the texts; stands in its manifest.

    Attributes:
        route: `document` or `query`.
        form: Name of the format.
        top: Keep this many dimensions of a text, those of the largest weight, None for all.
        prune_ratio: Drop weights under this part of the text's largest.
        min_weight: Drop weights under this.
        uint8: Write whole numbers from 1 to 255. The scale is that by which the largest weight of the bundle's golden
            vectors becomes 255, so it does not change with the corpus; what is larger becomes 255 and is counted.
        dense: Also write dense embeddings.
        shard_texts: Texts of a file, at most.
        duplicates: What to do with an id that is there twice.
    """

    route: str = "document"
    form: str = "jsonl"
    top: int | None = None
    prune_ratio: float = 0.0
    min_weight: float = 0.0
    uint8: bool = False
    dense: bool = False
    shard_texts: int = SHARD_TEXTS
    duplicates: Duplicates = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where texts are encoded.

    Attributes:
        open_encoder: Opens a bundle by its folder, which is None for a server, with so many threads; may be sent to
            another process.
        bundle: Folder of the bundle, None for a server.
        model: Name of the model on the server.
        workers: Processes, None for as many as there are cores.
        threads: Threads of each, None for one where there are several.
        ray: Address of Ray's cluster, `local` for one of this machine, None to work without Ray.
    """

    open_encoder: OpenEncoder
    bundle: str | None
    model: str | None
    workers: int | None = None
    threads: int | None = None
    ray: str | None = None

    def with_work_for(self, parts: int) -> Place:
        """Return the same with no more processes than there are parts."""
        if self.workers is None and self.ray is not None:
            return self
        return replace(self, workers=min(parts, self.workers or max(1, (os.cpu_count() or 1) // (self.threads or 1))))

    def facts(self) -> dict[str, Any]:
        """Return what tells this bundle from others."""
        if self.bundle is None:
            return {"model": self.model}
        return {"sha256": sha256_of(self.bundle)}


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did.

    Attributes:
        texts: Texts in the folder.
        encoded: How many of them were encoded by this run.
        active: Active dimensions of a text, the mean.
        clipped: Weights that were too large for an impact.
        bytes: Size of the files.
        files: How many there are.
    """

    texts: int
    encoded: int
    active: float
    clipped: int
    bytes: int
    files: int


def encode_corpus(place: Place, source: Source, settings: Settings, output: Path) -> Summary:
    """Encode a corpus into a folder; started again, it goes on after the files that are complete.

    Before the first text is encoded, all records are read once: a bad one stops the run at its start, not after hours.

    Args:
        place: Where texts are encoded.
        source: The texts. Standard input is first written to a temporary file.
        settings: What to write.
        output: The folder.

    Raises:
        SparseClientError: If a record cannot be used, the folder is of another run, or something cannot be encoded or
            written. What is done stays.
    """
    job = Job(
        open_encoder=place.open_encoder,
        bundle=place.bundle,
        threads=place.threads,
        path=output,
        form=settings.form,
        route=settings.route,
        dense=settings.dense,
        weights=Weights(
            ratio=settings.prune_ratio,
            least=settings.min_weight,
            scale=_scale(place, settings),
        ),
    )
    job.encoder()  # a broken bundle stops the run here, before the corpus is read
    with _readable_twice(source) as texts:
        with progress(None, "reading") as advance:
            found = survey(texts, settings.duplicates, advance)
        made = {
            "bundle": place.facts(),
            "options": asdict(settings) | {"scale": job.weights.scale},
            "input": {"texts": found.texts, "sha256": found.sha256},
        }
        try:
            folder = Folder.open(output, made)
            again = replace(texts, skip=None if texts.skip is None else _say_nothing)
            parts = cut(found.kept(again.records()), settings.shard_texts)
            before = sum(part.texts for number, part in folder.parts.items() if not folder.missing(number))
            most = -(-found.texts // settings.shard_texts)
            with progress(found.texts, "encoding") as advance:
                _fill(folder, job, parts, place.with_work_for(most), advance)
            folder.clean()
            folder.save(complete=True)
        except OSError as error:
            raise InputError(
                f"--output {output} cannot be written: {error.strerror}; the same command goes on from there"
            ) from error
    return _summary(folder, found.texts, found.texts - before)


def _fill(folder: Folder, job: Job, parts: Iterator[Texts], place: Place, advance: Callable[[int], None]) -> None:
    """Make the parts that are missing."""

    def missing() -> Iterator[Texts]:
        for texts in parts:
            if folder.missing(texts.number):
                yield texts
            else:
                advance(len(texts.records))

    single = replace(job, threads=job.threads or 1)
    if place.ray is not None:
        from sparse_client.corpus.on_ray import Cluster, encode_on_ray

        encode_on_ray(single, missing(), folder, Cluster(place.ray, place.workers), advance)
    elif place.workers is not None and place.workers > 1:
        encode_in_processes(single, missing(), folder, place.workers, advance)
    else:
        encoder = job.encoder()
        for texts in missing():
            folder.add(texts.number, job.run(encoder, texts, advance))


def _summary(folder: Folder, texts: int, encoded: int) -> Summary:
    parts = folder.parts.values()
    active = sum(part.active for part in parts) / texts
    clipped, size = sum(part.clipped for part in parts), sum(part.bytes for part in parts)
    return Summary(texts, encoded, active, clipped, size, len(parts))


def _scale(place: Place, settings: Settings) -> float | None:
    if not settings.uint8:
        if FORMATS[settings.form].whole:
            raise InputError(f"--format {settings.form} has whole numbers for weights: give --uint8")
        return None
    if place.bundle is None:
        raise InputError("--uint8 needs --bundle: its golden vectors give the scale")
    return scale_of(place.bundle, settings.route)


@contextmanager
def _readable_twice(source: Source) -> Iterator[Source]:
    if source.path != STDIN:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "standard input"
        with copy.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield replace(source, path=str(copy))


def _say_nothing(_: InputError) -> None:
    """Leave out a record that the survey has listed."""
