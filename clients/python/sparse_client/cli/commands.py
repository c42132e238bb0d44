"""The command `sparse-client`: options in, one call, lines out."""

from dataclasses import replace
from itertools import cycle, islice
from typing import TYPE_CHECKING

import click

from sparse_client.cli.encode import encode
from sparse_client.cli.encoded import encoded
from sparse_client.cli.formats import query, schema
from sparse_client.cli.group import CommandGroup
from sparse_client.cli.options import COUNT, SECONDS, format_option, input_options, target_options
from sparse_client.cli.output_file import output_stream
from sparse_client.cli.target import Target
from sparse_client.errors import InputError, SparseClientError

if TYPE_CHECKING:
    from sparse_client.corpus.records import Source

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


for command in (encode, query, schema):
    main.add_command(command)


@main.command()
@input_options
@target_options
@click.option("--top", type=COUNT, default=10, show_default=True, metavar="K", help="Show the K strongest tokens.")
@format_option
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
        for record, vector, _ in encoded(replace(source, dimension=dimension).records(), encoder, route):
            show_tokens(form, record.label, encoder.decode([vector], top=top)[0])


@main.command()
@click.argument("query")
@click.argument("document")
@target_options
@click.option("--top", type=COUNT, metavar="N", help="Show the N strongest contributions.  [default: all]")
@format_option
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
@target_options
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
@input_options
@target_options
@click.option("--concurrency", default="1,2,4,8", show_default=True, metavar="N,N", help="Callers at the same time.")
@click.option("--seconds", type=SECONDS, default=5.0, show_default=True, help="How long with each of them.")
@format_option
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
