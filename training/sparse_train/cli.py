"""The command sparse-train: options in, one call. Anything heavy is imported when it is needed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from sparse_client.cli.group import CommandGroup
from sparse_client.cli.options import FiniteRange
from sparse_client.errors import SparseClientError
from sparse_export.errors import SparseExportError
from sparse_export.options import PRECISION_OF_QUANTIZE
from sparse_export.quiet import quiet_libraries
from sparse_train.errors import OutputError, RecipeError, SparseTrainError


def _describe(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from sparse_train.recipe.describe import describe

        click.echo(describe())
        ctx.exit()


class _Commands(CommandGroup):
    error = (SparseTrainError, SparseExportError, SparseClientError)
    extra = "train"
    default = "train"
    default_takes_words = True


@click.group(cls=_Commands)
@click.version_option(package_name="sparse-export")
@click.option(
    "--describe",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_describe,
    help="Print what a recipe can say.",
)
def main() -> None:
    """Train a sparse text encoder (SPLADE, inference-free SPLADE, CSR) from a recipe.

    \b
    sparse-train wordnet-splade --export bundle
    sparse-train recipe.yaml --set model.name=bert-base-uncased --set training.max_steps=100
    """


@main.command()
@click.argument("recipe", type=click.Path(path_type=Path), metavar="FILE|NAME")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a key: data.train.0.limit=100.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of OUTPUT.run.")
@click.option("--force", is_flag=True, help="Replace an existing output or run, and bundle.")
@click.option(
    "--export", "bundle", type=click.Path(path_type=Path), metavar="BUNDLE", help="Export the checkpoint at the end."
)
@click.option(
    "--quantize",
    type=click.Choice(list(PRECISION_OF_QUANTIZE)),
    default="none",
    show_default=True,
    help="Precision of BUNDLE, as for sparse-export.",
)
@click.option(
    "--triton", "repository", type=click.Path(path_type=Path), metavar="DIR", help="Model repository to add BUNDLE to."
)
@click.option("--push-to-hub", is_flag=True, help="Upload to training.hub_model_id at the end.")
def train(
    recipe: Path,
    changes: tuple[str, ...],
    bundle: Path | None,
    quantize: str,
    repository: Path | None,
    push_to_hub: bool,
    **how: bool,
) -> None:
    """Train what a recipe describes: a file, or one that comes with the package (the default command).

    A token for the hub is read from the environment variable HF_TOKEN.

    \b
    sparse-train recipe.yaml
    sparse-train recipe.yaml --resume
    sparse-train recipe.yaml --export bundle --quantize int8 --triton models
    """
    from sparse_train.recipe.load import read_recipe
    from sparse_train.run.export import check_export, export, export_options
    from sparse_train.run.runs import is_first_process

    content = read_recipe(recipe, changes)
    hub_id = content.training.get("hub_model_id")
    if push_to_hub and not hub_id:
        raise RecipeError("--push-to-hub: training.hub_model_id must name the repository.")
    if bundle is None and (repository is not None or quantize != "none"):
        raise RecipeError("--quantize and --triton are for the bundle of --export, which is not given.")
    options = export_options(Path(content.output), bundle, quantize, force=how["force"]) if bundle else None
    if options is not None:
        check_export(options, repository)
    logging.getLogger("sparse_train").setLevel(logging.WARNING)  # ours, such as why a head is not fused, are shown
    with quiet_libraries():
        from sparse_train.run.pipeline import train as run

        output = run(content, **how)
        if not is_first_process():
            return
        click.echo(output)
        for path in export(options, repository) if options else []:
            click.echo(path)
    if push_to_hub:
        from sparse_train.run.hub import push

        push(output, str(hub_id), private=content.training.get("hub_private_repo"))


@main.command()
@click.option("--model", required=True, metavar="FOLDER|HUB_ID", help="SparseEncoder that ranks.")
@click.option("--data", required=True, metavar="FILE|HUB_ID", help="Data set of queries and their answers.")
@click.option("--subset", help="Configuration of a hub data set.")
@click.option("--split", default="train", show_default=True, help="Split, or a slice of it.")
@click.option("--columns", nargs=2, metavar="QUERY ANSWER", help="Names of the two columns.  [default: the first two]")
@click.option("--corpus", metavar="FILE|HUB_ID", help="More documents: a column `text`, or the first one.")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="FILE.jsonl", help="Data set to write."
)
@click.option("--negatives", default=1, show_default=True, help="Negatives for each pair.")
@click.option("--range-min", default=0, show_default=True, help="First rank to take; answers are not counted.")
@click.option("--range-max", default=100, show_default=True, help="Rank to stop before.")
@click.option(
    "--absolute-margin",
    type=FiniteRange(),
    help="Keep a negative only if its score is at least this far below the answer's.",
)
@click.option(
    "--relative-margin", type=FiniteRange(), help="As --absolute-margin, as a fraction of the answer's score."
)
@click.option("--max-score", type=FiniteRange(), help="Keep a negative only if its score is at most this.")
@click.option("--min-score", type=FiniteRange(), help="Keep a negative only if its score is at least this.")
@click.option(
    "--sampling",
    type=click.Choice(["top", "random"]),
    default="top",
    show_default=True,
    help="Take the best-ranked candidates, or random ones.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the random choice.")
@click.option("--cross-encoder", metavar="FOLDER|HUB_ID", help="Model whose scores decide about margins.")
@click.option(
    "--format",
    type=click.Choice(["triplet", "n-tuple", "n-tuple-scores"]),
    default="triplet",
    show_default=True,
    help="A row for each negative, or one for all of a pair, perhaps with scores for distillation.",
)
def mine(data: str, corpus: str | None, output: Path, model: str, cross_encoder: str | None, **choices: Any) -> None:
    """Mine hard negatives with a sparse model, by exact search.

    \b
    sparse-train mine --model splade --data pairs.jsonl --output hard.jsonl --negatives 5 --relative-margin 0.05
    """
    from sparse_train.mining.hard_negatives import MiningOptions
    from sparse_train.recipe.schema import Dataset

    if output.suffix != ".jsonl":
        raise OutputError(f"--output {output}: must end in .jsonl.")
    where = {name: choices.pop(name) for name in ("subset", "split")}
    columns = choices.pop("columns")
    source = Dataset(source=data, columns=list(columns) if columns else None, **where)
    options = MiningOptions(**choices)
    with quiet_libraries():
        from sparse_train.mining.dataset import Sources, mine_dataset

        more = Dataset(source=corpus) if corpus else None
        sources = Sources(model=model, data=source, corpus=more, cross_encoder=cross_encoder)
        pairs, rows = mine_dataset(sources, output, options)
    click.echo(f"{output}: {rows} rows from {pairs} pairs")
