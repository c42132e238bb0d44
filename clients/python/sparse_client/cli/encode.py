"""The command `sparse-client encode`: into lines, or into a folder that a later run completes."""

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sparse_client.cli.encoded import encoded
from sparse_client.cli.options import COUNT, FiniteRange, input_options, target_options
from sparse_client.cli.output_file import output_stream
from sparse_client.cli.target import Target
from sparse_client.errors import InputError
from sparse_client.formats.table import FORMATS
from sparse_client.progress import progress_bar

if TYPE_CHECKING:
    from sparse_client.cli.target import Encoder
    from sparse_client.corpus.records import Source

# Options that lines do not have, by parameter.
_FOLDER_ONLY = {
    "form": "--format",
    "uint8": "--uint8",
    "duplicates": "--duplicates",
    "workers": "--workers",
    "ray": "--ray",
    "shard_texts": "--shard-texts",
}
_SHARE = FiniteRange(0, 1, max_open=True)


@click.command()
@input_options
@target_options
@click.option("--top", type=COUNT, metavar="K", help="Keep the K strongest dimensions.  [default: all]")
@click.option(
    "--prune-ratio", type=_SHARE, default=0.0, metavar="R", help="Drop weights under R of the text's largest."
)
@click.option("--min-weight", type=FiniteRange(min=0), default=0.0, metavar="W", help="Drop weights under W.")
@click.option("--dense", is_flag=True, help="Also write the dense embedding, of a bundle exported with --with-dense.")
@click.option(
    "--output",
    metavar="FILE|DIR/",
    help="File to write, complete or not at all; or a folder, for a corpus: stopped, the same command goes on there.  "
    "[default: standard output]",
)
@click.option("--skip-bad", metavar="FILE", help="List records that cannot be used there, and go on.  [default: stop]")
@click.option(
    "--format", "form", type=click.Choice(sorted(FORMATS)), help="Of the files in a folder.  [default: jsonl]"
)
@click.option("--uint8", is_flag=True, help="Write whole numbers from 1 to 255, with one scale, into a folder.")
@click.option(
    "--duplicates",
    type=click.Choice(["error", "first", "last"]),
    help="Which of two texts with one id a folder gets.  [default: error]",
)
@click.option("--workers", type=COUNT, help="Processes that fill a folder.  [default: one per core, of one thread]")
@click.option("--ray", metavar="ADDRESS|local", help="Fill a folder from Ray's cluster there, or one of this machine.")
@click.option("--shard-texts", type=COUNT, metavar="N", help="Texts of a file in a folder.  [default: 8192]")
def encode(source: "Source", target: Target, output: str | None, skip_bad: str | None, **options: Any) -> None:
    """Encode texts into sparse vectors, in input order: a JSON line each, or a folder of files.

    Reads TEXTS, or files with a text a line or with fields (an id is kept).

    \b
    Example:
      sparse-client encode --bundle bundle/ --input corpus.jsonl --output vectors.jsonl
      sparse-client encode --bundle bundle/ --input 'corpus/*.parquet' --title-field title --output vectors/
      sparse-client encode --url grpc://localhost:8001 --model splade --input corpus.jsonl --output vectors.jsonl
    """
    from sparse_client.corpus.records import Skipped

    given = {name: value for name, value in options.items() if value is not None}
    to_folder = output is not None and (output.endswith("/") or (source.path is not None and Path(output).is_dir()))
    if skip_bad is not None and skip_bad in ("-", output):
        raise InputError(f"--skip-bad {skip_bad} is where the vectors go: give it a file of its own")
    with ExitStack() as stack:
        skipped = None
        if skip_bad is not None:
            skipped = Skipped(stack.enter_context(output_stream(skip_bad)))
            source = replace(source, skip=skipped)
        if to_folder:
            _into_folder(source, target, Path(str(output)), given)
        else:
            _into_lines(source, target, stack.enter_context(output_stream(output)), given)
    if skipped is not None:
        click.echo(f"{skipped.count} records were skipped, see {skip_bad}", err=True)


def _into_lines(source: "Source", target: Target, stream: TextIO, options: dict[str, Any]) -> None:
    from sparse_client.corpus.weights import Weights
    from sparse_client.formats.encoded import Encoded
    from sparse_client.formats.jsonl import line

    for name in _FOLDER_ONLY:
        if options.get(name, False):
            raise InputError(f"{_FOLDER_ONLY[name]} is for a folder: give --output one, such as vectors/")
    weights = Weights(ratio=options["prune_ratio"], least=options["min_weight"])
    encoder = target.encoder(options.get("top"))
    with progress_bar(None, sys.stderr.isatty() and not stream.isatty()) as advance:
        made = encoded(source.records(), encoder, options["route"], options["dense"])
        for number, (record, vector, embedding) in enumerate(made, start=1):
            stream.write(line(Encoded(number, record.label, weights.of(vector), embedding)) + "\n")
            advance(1)


def _into_folder(source: "Source", target: Target, output: Path, options: dict[str, Any]) -> None:
    from sparse_client.cli.printing import show_summary
    from sparse_client.corpus.encode import Place, Settings, encode_corpus

    if source.path is None:
        raise InputError(f"--output {output}/ is filled from files: give --input")
    cluster, workers = options.pop("ray", None), options.pop("workers", None)
    if target.bundle is None and (cluster or workers):
        raise InputError("--workers and --ray are for --bundle: a server is asked from one process")
    place = Place(
        open_encoder=partial(_open, target, options.get("top")),
        bundle=target.bundle,
        model=target.model,
        workers=workers or (1 if target.bundle is None or target.providers else None),
        threads=target.threads,
        ray=cluster,
    )
    started = time.monotonic()
    done = encode_corpus(place, source, Settings(**options), output)
    show_summary(done, output, time.monotonic() - started)


def _open(target: Target, top: int | None, bundle: str | None, threads: int | None) -> "Encoder":
    return replace(target, bundle=bundle, threads=threads).encoder(top)
