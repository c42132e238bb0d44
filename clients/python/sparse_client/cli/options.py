"""Options that several commands have."""

import functools
import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import click

from sparse_client.cli.target import Target

COUNT = click.IntRange(min=1)


class FiniteRange(click.FloatRange):
    """A range of numbers without NaN, which is in every range of click's, and without infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


SECONDS = FiniteRange(min=0, min_open=True)


def target_options(command: Callable[..., None]) -> Callable[..., None]:
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
        click.option("--timeout", type=SECONDS, help="Seconds one request may take.  [default: 30]"),
        click.option("--threads", type=COUNT, help="Threads of one run of a bundle's graph.  [default: one per core]"),
        click.option(
            "--batch-size", type=COUNT, help="Texts per run or request.  [default: 32; on a server its maximum]"
        ),
        click.option(
            "--providers",
            multiple=True,
            metavar="NAME",
            help="ONNX Runtime's execution provider, such as CUDAExecutionProvider; repeat.  "
            "[default: CUDA for an fp16 bundle where there is one, else the CPU]",
        ),
    )


def input_options(command: Callable[..., None]) -> Callable[..., None]:
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


format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "jsonl"]),
    help="What to print.  [default: table on a terminal, else jsonl]",
)
