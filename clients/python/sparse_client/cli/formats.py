"""The commands `sparse-client schema` and `query`: they print what an engine needs besides the vectors."""

import sys

import click

from sparse_client.cli.options import COUNT
from sparse_client.cli.output_file import output_stream
from sparse_client.errors import InputError
from sparse_client.formats.table import FORMATS

_NAME = "documents"
_bundle_option = click.option("--bundle", required=True, metavar="DIR", help="Folder that sparse-export wrote.")
_format_option = click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice([name for name, form in FORMATS.items() if form.query]),
    help="For which engine.",
)
_name_option = click.option(
    "--name", default=_NAME, show_default=True, metavar="NAME", help="Of the table, collection or index."
)


@click.command()
@_bundle_option
@_format_option
@_name_option
def schema(bundle: str, form: str, name: str) -> None:
    """Print the mapping, schema or statements that belong to the files of `encode --format`.

    \b
    Example:
      sparse-client schema --bundle bundle/ --format pgvector | psql
    """
    from sparse_client.corpus.job import space_of
    from sparse_client.local import LocalEncoder

    make = FORMATS[form].schema
    if make is None:
        raise InputError(f"{form} builds its index from the files of `encode --format {form}` alone")
    _check(name)
    with output_stream(None):
        sys.stdout.write(make(space_of(LocalEncoder(bundle), bundle), name) + "\n")


@click.command()
@click.argument("text")
@_bundle_option
@_format_option
@_name_option
@click.option("--top", type=COUNT, default=10, show_default=True, metavar="K", help="Texts to find.")
def query(text: str, bundle: str, form: str, name: str, top: int) -> None:
    """Print the search for TEXT in the words of an engine.

    \b
    Example:
      sparse-client query --bundle bundle/ --format pgvector "nice weather" | psql
    """
    from sparse_client.corpus.job import space_of
    from sparse_client.corpus.weights import Weights, scale_of
    from sparse_client.local import LocalEncoder
    from sparse_client.texts import check_unicode

    make = FORMATS[form].query
    assert make is not None
    _check(name)
    check_unicode(text, "TEXT")
    encoder = LocalEncoder(bundle)
    weights = Weights(scale=scale_of(bundle, "query") if FORMATS[form].whole else None)
    vector = weights.of(encoder.encode_queries([text])[0])
    with output_stream(None):
        sys.stdout.write(make(vector, space_of(encoder, bundle), name, top) + "\n")


def _check(name: str) -> None:
    if not name.replace("_", "").isalnum() or not name.isascii() or name[0].isdigit():
        raise InputError(f"--name {name!r} is no name for every engine: take letters, digits and underscores")
