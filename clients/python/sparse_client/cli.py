"""The command `sparse-client`: options in, one call, lines out."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from sparse_client.errors import SparseClientError
from sparse_client.progress import progress_bar
from sparse_client.texts import CHUNK_TEXTS
from sparse_client.writing import output_stream

if TYPE_CHECKING:
    from sparse_client.local import LocalEncoder
    from sparse_client.overlap import Contribution
    from sparse_client.records import Record
    from sparse_client.vectors import SparseVector

_COUNT = click.IntRange(min=1)


class _Commands(click.Group):
    """Turn our errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SparseClientError as error:
            raise click.ClickException(" ".join(str(error).splitlines())) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="sparse-client")
def main() -> None:
    """Turn text into sparse vectors, and vectors into weighted tokens, with an exported bundle.

    \b
    Example:
      sparse-client decode --bundle bundle/ "The weather is lovely today."
    """


def _shared_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.argument("texts", nargs=-1),
        click.option("--bundle", required=True, metavar="DIR", help="Folder that sparse-export wrote."),
        click.option("--input", "path", metavar="FILE", help="File to read instead; '-' for standard input."),
        click.option("--jsonl", is_flag=True, help="Read --input as JSONL though its name does not end with .jsonl."),
        click.option("--field", default="text", show_default=True, help="JSONL field that holds the text."),
        click.option("--route", type=click.Choice(["document", "query"]), default="document", show_default=True),
        click.option("--batch-size", type=_COUNT, default=32, show_default=True, help="Texts in one run of a graph."),
        click.option("--threads", type=_COUNT, help="Threads of one run of a graph.  [default: one per core]"),
    )
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
@_shared_options
@click.option("--top", type=_COUNT, metavar="K", help="Keep the K strongest dimensions.  [default: all]")
@click.option("--output", metavar="FILE", help="File to write, complete or not at all.  [default: standard output]")
def encode(
    texts: tuple[str, ...], bundle: str, path: str | None, jsonl: bool, field: str, route: str,
    batch_size: int, threads: int | None, top: int | None, output: str | None,
) -> None:  # fmt: skip
    """Encode texts into sparse vectors, one JSON line each, in input order.

    Reads TEXTS, or a file: .jsonl (an "id" or "_id" is kept), else one text per line.

    \b
    Example:
      sparse-client encode --bundle bundle/ --input corpus.jsonl --output vectors.jsonl
    """
    from sparse_client.local import LocalEncoder
    from sparse_client.records import Source

    encoder = LocalEncoder(bundle, threads=threads, max_active_dims=top, batch_size=batch_size)
    with output_stream(output) as stream, progress_bar(None, sys.stderr.isatty() and not stream.isatty()) as advance:
        for record, vector in _encoded(Source(texts, path, jsonl, field).records(), encoder, route):
            line = {**record.label, "indices": vector.indices.tolist(), "values": vector.values.tolist()}
            stream.write(json.dumps(line) + "\n")
            advance(1)


@main.command()
@_shared_options
@click.option("--top", type=_COUNT, default=10, show_default=True, metavar="K", help="Show the K strongest tokens.")
@_format_option
def decode(
    texts: tuple[str, ...], bundle: str, path: str | None, jsonl: bool, field: str, route: str,
    batch_size: int, threads: int | None, top: int, form: str | None,
) -> None:  # fmt: skip
    """Show the weighted tokens of texts, or of vectors that `encode` wrote.

    Reads TEXTS, or a file: .jsonl with vectors or texts, else one text per line.

    \b
    Example:
      sparse-client decode --bundle bundle/ --format table "The weather is lovely today."
    """
    from sparse_client.local import LocalEncoder
    from sparse_client.records import Source

    encoder = LocalEncoder(bundle, threads=threads, batch_size=batch_size)
    encoder.decode([])  # a bundle without tokens is refused before anything is encoded
    show = _show_table if _wants_table(form) else _show_line
    with output_stream(None):
        for record, vector in _encoded(Source(texts, path, jsonl, field, encoder.dimension).records(), encoder, route):
            show(record.label, encoder.decode([vector], top=top)[0])


@main.command()
@click.argument("query")
@click.argument("document")
@click.option("--bundle", required=True, metavar="DIR", help="Folder that sparse-export wrote.")
@click.option("--top", type=_COUNT, metavar="N", help="Show the N strongest contributions.  [default: all]")
@_format_option
def explain(query: str, document: str, bundle: str, top: int | None, form: str | None) -> None:
    """Show what makes the score of QUERY and DOCUMENT, the strongest first.

    Every dimension that both have adds the product of its two weights; the percentage is its share of all that
    adds to the score. The features of a csr bundle have numbers, not words.

    \b
    Example:
      sparse-client explain --bundle bundle/ "nice weather" "The weather is lovely today."
    """
    from sparse_client.local import LocalEncoder
    from sparse_client.texts import check_unicode

    check_unicode(query, "QUERY")
    check_unicode(document, "DOCUMENT")
    encoder = LocalEncoder(bundle)
    (left,), (right,) = encoder.encode_queries([query]), encoder.encode_documents([document])
    score, shown = left.dot(right), encoder.explain(left, right, top=top)
    with output_stream(None):
        if _wants_table(form):
            _show_overlap(f"score {score:.3f}: {query} | {document}", shown)
            return
        line = {
            "query": query,
            "document": document,
            "score": score,
            "labels": [one.label for one in shown],
            "contributions": [one.contribution for one in shown],
            "shares": [one.share for one in shown],
        }
        sys.stdout.write(json.dumps(line) + "\n")


def _wants_table(form: str | None) -> bool:
    return (form or ("table" if sys.stdout.isatty() else "jsonl")) == "table"


def _encoded(
    records: "Iterator[Record]", encoder: "LocalEncoder", route: str
) -> "Iterator[tuple[Record, SparseVector]]":
    """Encode the texts among the records, a thousand records in memory at once."""
    encode = encoder.encode_queries if route == "query" else encoder.encode_documents
    while block := list(islice(records, CHUNK_TEXTS)):
        texts = [record.content for record in block if isinstance(record.content, str)]
        encoded = iter(encode(texts, show_progress=False))
        for record in block:
            yield record, next(encoded) if isinstance(record.content, str) else record.content


def _show_table(label: dict[str, Any], tokens: list[tuple[str, float]]) -> None:
    from sparse_client.table import print_table

    print_table(str(next(iter(label.values()), "")), tokens)


def _show_overlap(title: str, shown: "Sequence[Contribution]") -> None:
    from sparse_client.table import print_table

    tokens = [(one.label, one.contribution) for one in shown]
    print_table(title, tokens, [f"{one.share:.1%}" for one in shown], "(nothing in common)")


def _show_line(label: dict[str, Any], tokens: list[tuple[str, float]]) -> None:
    line = {**label, "tokens": [token for token, _ in tokens], "values": [weight for _, weight in tokens]}
    sys.stdout.write(json.dumps(line) + "\n")
