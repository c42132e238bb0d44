"""The command `sparse-client`: options in, one call, lines out."""

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields, replace
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import click

from sparse_client.cli.group import CommandGroup
from sparse_client.cli.output_file import output_stream
from sparse_client.cli.target import Target
from sparse_client.errors import InputError, SparseClientError
from sparse_client.progress import progress_bar
from sparse_client.texts import CHUNK_TEXTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sparse_client.cli.target import Encoder
    from sparse_client.corpus.records import Record, Source
    from sparse_client.vectors import SparseVector

_COUNT = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0, min_open=True)
_INT32_COUNT = 2**31


class _Commands(CommandGroup):
    error = (SparseClientError,)
    extra = "cpu"


@click.group(cls=_Commands)
@click.version_option(package_name="sparse-export")
def main() -> None:
    """Turn text into sparse vectors and back, with a bundle in this process or on a server.

    \b
    Example:
      sparse-client decode --bundle bundle/ "The weather is lovely today."
    """


def _target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of where to encode, and give them to the command as one `target`."""

    @functools.wraps(command)
    def with_target(**options: Any) -> None:
        names = [field.name for field in fields(Target)]
        target = Target(**{name: options.pop(name) for name in names})
        command(target=target, **options)

    return _with_options(
        with_target,
        click.option("--bundle", metavar="DIR", help="Folder that sparse-export wrote."),
        click.option("--url", metavar="URL", help="Server instead: http[s]://HOST:PORT or grpc[s]://HOST:PORT."),
        click.option("--model", metavar="NAME", help="Name of the bundle on the server."),
        click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Sent to the server; repeat."),
        click.option("--ca", "ca_file", metavar="FILE", help="Certificates to trust, PEM.  [default: the system's]"),
        click.option("--timeout", type=_SECONDS, help="Seconds one request may take.  [default: 30]"),
        click.option("--threads", type=_COUNT, help="Threads of one run of a bundle's graph.  [default: one per core]"),
        click.option(
            "--batch-size", type=_COUNT, help="Texts per run or request.  [default: 32; on a server its maximum]"
        ),
        click.option(
            "--providers",
            multiple=True,
            metavar="NAME",
            help="ONNX Runtime's execution provider, such as CUDAExecutionProvider; repeat.  "
            "[default: CUDA for an fp16 bundle where there is one, else the CPU]",
        ),
    )


def _input_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of what to read, and give them to the command as one `source`."""

    @functools.wraps(command)
    def with_source(**options: Any) -> None:
        from sparse_client.corpus.records import Source

        names = [field.name for field in fields(Source) if field.name in options]
        command(source=Source(**{name: options.pop(name) for name in names}), **options)

    return _with_options(
        with_source,
        click.argument("texts", nargs=-1),
        click.option(
            "--input",
            "path",
            metavar="FILE",
            help="File to read instead, or a pattern: .jsonl, .csv, .tsv, .parquet, .arrow, else a text a line; also "
            ".gz and .zst; '-' for standard input.",
        ),
        click.option("--jsonl", is_flag=True, help="Read --input as JSONL though its name does not end with .jsonl."),
        click.option("--field", default="text", show_default=True, metavar="NAME", help="Field that holds the text."),
        click.option(
            "--id-field", metavar="NAME", help="Field that holds the id.  [default: id or _id, if there is one]"
        ),
        click.option("--title-field", metavar="NAME", help="Field that is put in front of the text, with a space."),
        click.option("--route", type=click.Choice(["document", "query"]), default="document", show_default=True),
    )


def _with_options(command: Callable[..., None], *options: Callable[..., Callable[..., None]]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command


_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    help="What to print.  [default: table on a terminal, else jsonl]",
)


@main.command()
@_input_options
@_target_options
@click.option("--top", type=_COUNT, metavar="K", help="Keep the K strongest dimensions.  [default: all]")
@click.option("--dense", is_flag=True, help="Also write the dense embedding, of a bundle exported with --with-dense.")
@click.option("--output", metavar="FILE", help="File to write, complete or not at all.  [default: standard output]")
@click.option("--skip-bad", metavar="FILE", help="List records that cannot be used there, and go on.  [default: stop]")
def encode(
    source: "Source", route: str, target: Target, top: int | None, dense: bool, output: str | None, skip_bad: str | None
) -> None:
    """Encode texts into sparse vectors, one JSON line each, in input order.

    Reads TEXTS, or files with a text a line or with fields (an id is kept).

    \b
    Example:
      sparse-client encode --bundle bundle/ --input corpus.jsonl --output vectors.jsonl
      sparse-client encode --bundle bundle/ --input 'corpus/*.parquet' --title-field title --output vectors.jsonl
      sparse-client encode --url grpc://localhost:8001 --model splade --input corpus.jsonl --output vectors.jsonl
    """
    from sparse_client.corpus.records import Skipped

    if skip_bad is not None and skip_bad in ("-", output):
        raise InputError(f"--skip-bad {skip_bad} is where the vectors go: give it a file of its own")
    encoder, skipped = target.encoder(top), None
    with ExitStack() as stack:
        stream = stack.enter_context(output_stream(output))
        if skip_bad is not None:
            skipped = Skipped(stack.enter_context(output_stream(skip_bad)))
            source = replace(source, skip=skipped)
        advance = stack.enter_context(progress_bar(None, sys.stderr.isatty() and not stream.isatty()))
        for record, vector, embedding in _encoded(source.records(), encoder, route, dense):
            line = {**record.label, "indices": vector.indices.tolist(), "values": vector.values.tolist()}
            if embedding is not None:
                line["dense"] = embedding.tolist()
            stream.write(json.dumps(line) + "\n")
            advance(1)
    if skipped is not None:
        click.echo(f"{skipped.count} records were skipped, see {skip_bad}", err=True)


@main.command()
@_input_options
@_target_options
@click.option("--top", type=_COUNT, default=10, show_default=True, metavar="K", help="Show the K strongest tokens.")
@_format_option
def decode(source: "Source", route: str, target: Target, top: int, form: str | None) -> None:
    """Show the weighted tokens of texts, or of vectors that `encode` wrote.

    Reads TEXTS, or files: .jsonl with vectors, or what `encode` reads.

    \b
    Example:
      sparse-client decode --bundle bundle/ --format table "The weather is lovely today."
    """
    from sparse_client.cli.printing import show_tokens

    encoder = target.encoder()
    encoder.decode([])  # a bundle without tokens is refused before anything is encoded
    # Of a server the dimension is not known; it tells if an index is too large.
    dimension = getattr(encoder, "dimension", _INT32_COUNT)
    with output_stream(None):
        for record, vector, _ in _encoded(replace(source, dimension=dimension).records(), encoder, route):
            show_tokens(form, record.label, encoder.decode([vector], top=top)[0])


@main.command()
@click.argument("query")
@click.argument("document")
@_target_options
@click.option("--top", type=_COUNT, metavar="N", help="Show the N strongest contributions.  [default: all]")
@_format_option
def explain(query: str, document: str, target: Target, top: int | None, form: str | None) -> None:
    """Show what makes the score of QUERY and DOCUMENT, the strongest first.

    Every dimension that both have adds the product of its two weights; the percentage is its share of all that
    adds to the score. The features of a csr bundle have numbers, not words.

    \b
    Example:
      sparse-client explain --bundle bundle/ "nice weather" "The weather is lovely today."
    """
    from sparse_client.cli.printing import show_overlap
    from sparse_client.texts import check_unicode

    check_unicode(query, "QUERY")
    check_unicode(document, "DOCUMENT")
    encoder = target.encoder()
    (left,), (right,) = encoder.encode_queries([query]), encoder.encode_documents([document])
    shown = encoder.explain(left, right, top=top)
    with output_stream(None):
        show_overlap(form, left.dot(right), (query, document), shown)


@main.command()
@_target_options
def verify(target: Target) -> None:
    """Replay the golden vectors of a bundle, in this process or, with --url, on the server that serves it.

    Fails if a vector differs from PyTorch's by more than the bundle's precision promises.

    \b
    Example:
      sparse-client verify --bundle bundle/
      sparse-client verify --bundle bundle/ --url grpc://localhost:8001 --model splade
    """
    from sparse_client.cli.printing import show_verification
    from sparse_client.parity.replay import verify as replay

    if target.bundle is None:
        raise InputError("give --bundle DIR, whose golden vectors are to be replayed")
    if target.url is None:
        report = replay(target.bundle, providers=target.providers or None)
    else:
        report = target.client().verify(target.bundle)
    with output_stream(None):
        show_verification(target.bundle, report, in_process=target.url is None)


@main.command()
@_input_options
@_target_options
@click.option("--concurrency", default="1,2,4,8", show_default=True, metavar="N,N", help="Callers at the same time.")
@click.option("--seconds", type=_SECONDS, default=5.0, show_default=True, help="How long with each of them.")
@_format_option
def bench(source: "Source", route: str, target: Target, concurrency: str, seconds: float, form: str | None) -> None:
    """Measure throughput and latency while several callers encode at once, each of them waiting for its answer.

    Encodes TEXTS, or a file, or a few sentences of its own; --batch-size of them per call, one by default.

    \b
    Example:
      sparse-client bench --bundle bundle/ --threads 1
      sparse-client bench --url grpc://localhost:8001 --model splade --concurrency 1,4,16
    """
    from sparse_client.cli.load_test import PERCENTILES, TEXTS, measure
    from sparse_client.cli.printing import show_levels

    levels, size = _levels(concurrency), target.batch_size or 1
    encoder = target.encoder(concurrency=max(levels))
    read = source.records() if source.texts or source.path else ()
    given = [record.content for record in read if isinstance(record.content, str)] or TEXTS
    batches = [list(islice(cycle(given), start, start + size)) for start in range(0, len(given), size)]
    call = encoder.encode_queries if route == "query" else encoder.encode_documents
    with output_stream(None):
        measured = [measure(lambda batch: call(batch, False), batches, level, seconds) for level in levels]
        show_levels(form, measured, [f"p{one}" for one in PERCENTILES])


def _levels(given: str) -> list[int]:
    try:
        levels = [int(part) for part in given.split(",")]
    except ValueError:
        levels = []
    if not levels or min(levels) < 1:
        raise InputError(f"--concurrency {given!r} is not a list of numbers of callers: give one like 1,2,4")
    return levels


def _encoded(
    records: "Iterator[Record]", encoder: "Encoder", route: str, dense: bool = False
) -> "Iterator[tuple[Record, SparseVector, NDArray[np.float32] | None]]":
    """Encode the texts among the records, a thousand records in memory at once; `dense` if all of them are texts."""
    encode = encoder.encode_queries if route == "query" else encoder.encode_documents
    while block := list(islice(records, CHUNK_TEXTS)):
        texts = [record.content for record in block if isinstance(record.content, str)]
        if dense:
            vectors, embeddings = encode(texts, False, dense=True)
            yield from zip(block, vectors, embeddings, strict=True)
            continue
        encoded = iter(encode(texts, False))
        for record in block:
            yield record, next(encoded) if isinstance(record.content, str) else record.content, None
