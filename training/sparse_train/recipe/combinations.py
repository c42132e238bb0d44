"""Refuse what cannot work together in a recipe, before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from sparse_train.errors import RecipeError
from sparse_train.recipe.formats import AUTOENCODING, COMPLETE, FORMATS, REGULARIZED, REGULARIZERS, nested
from sparse_train.recipe.schema import Component, Recipe

# Training arguments that a recipe or a command says in its own way.
ELSEWHERE = {
    "output_dir": "the key output",
    "multi_dataset_batch_sampler": "the key data.sampling",
    "resume_from_checkpoint": "sparse-train RECIPE --resume",
    "push_to_hub": "sparse-train RECIPE --push-to-hub",
    "do_train": "nothing, sparse-train trains",
    "do_eval": "evaluators and training.eval_strategy",
    "do_predict": "nothing, sparse-train trains",
}


def losses_of(recipe: Recipe) -> Iterator[tuple[str, Component]]:
    """Yield every loss that trains, with its path."""
    if recipe.loss is not None:
        yield "loss", recipe.loss
    for number, dataset in enumerate(recipe.data.train):
        if dataset.loss is not None:
            yield f"data.train.{number}.loss", dataset.loss


def check_combinations(recipe: Recipe) -> None:
    """Check a recipe whose keys and types are right.

    Raises:
        RecipeError: two of its settings cannot work together.
    """
    for name in recipe.training.keys() & ELSEWHERE.keys():
        raise RecipeError(f"training.{name}: is not set here, but with {ELSEWHERE[name]}.")
    _check_data(recipe)
    for path, loss in losses_of(recipe):
        _check_loss(loss, path)
        check_loss_fits(loss, recipe.architecture, path)
    _check_router(recipe)
    _check_callbacks(recipe)
    if recipe.training.get("eval_strategy", "no") not in ("no", False) and not (recipe.evaluators or recipe.data.eval):
        raise RecipeError("training.eval_strategy: there is nothing to evaluate; name evaluators or data.eval.")


def _check_data(recipe: Recipe) -> None:
    train = recipe.data.train
    if not train:
        raise RecipeError("data.train: must name at least one data set.")
    for part in ("train", "eval"):
        names = [dataset.name for dataset in getattr(recipe.data, part)]
        for name in names:
            if names.count(name) > 1:
                raise RecipeError(
                    f"data.{part}: {names.count(name)} data sets are named {name!r}; give each its own name."
                )
    for number, dataset in enumerate(train):
        if recipe.loss is None and dataset.loss is None:
            raise RecipeError(
                f"loss: must be given, because data.train.{number} ({dataset.name}) has no loss of its own."
            )
    for number, dataset in enumerate(recipe.data.eval):
        if dataset.loss is not None:
            raise RecipeError(
                f"data.eval.{number}.loss: has no effect; the loss of data.train by the same name is used."
            )
        if len(train) > 1 and dataset.name not in {other.name for other in train}:
            raise RecipeError(
                f"data.eval.{number}.name: {dataset.name!r} is not a data set of data.train, so it has no loss."
            )
    for part in ("train", "eval"):
        for number, dataset in enumerate(getattr(recipe.data, part)):
            if ("://" in dataset.source) != (dataset.sql is not None):
                raise RecipeError(f"data.{part}.{number}.sql: a query and a database URL as source belong together.")


def _check_loss(loss: Component, path: str) -> None:
    where = f"{path}.{loss.name}"
    if loss.name not in COMPLETE:
        wrapper = "as its regularizer" if loss.name in REGULARIZERS else "as its loss"
        raise RecipeError(f"{where}: cannot train alone; put it into SpladeLoss or CSRLoss {wrapper}.")
    for argument, inner in nested(loss):
        allowed = FORMATS.keys() - {"CSRReconstructionLoss", "ExpansionLoss"} if argument == "loss" else REGULARIZERS
        if inner.name not in allowed:
            names = ", ".join(sorted(allowed))
            raise RecipeError(f"{where}.{argument}: {inner.name} cannot stand here. Allowed: {names}.")


def check_loss_fits(loss: Component, architecture: str, path: str) -> None:
    """Check that a loss trains what the architecture has; nothing is known of a checkpoint before it is loaded.

    Raises:
        RecipeError: it does not.
    """
    if architecture in ("csr", "inference-free") and loss.name == "ExpansionLoss":
        raise RecipeError(f"{path}: ExpansionLoss trains architecture splade.")
    if architecture == "csr" and loss.name in REGULARIZED:
        raise RecipeError(f"{path}: {loss.name} trains SPLADE; architecture csr takes {', '.join(AUTOENCODING)}.")
    if architecture in ("splade", "inference-free") and loss.name in AUTOENCODING:
        raise RecipeError(
            f"{path}: {loss.name} trains csr; architecture {architecture} takes {', '.join(REGULARIZED)}."
        )


def _check_router(recipe: Recipe) -> None:
    given = recipe.training.get("router_mapping")
    if recipe.architecture == "inference-free" and not given:
        raise RecipeError(
            "training.router_mapping: must say for each column whether it is a query or a document, "
            "for example {query: query, answer: document}."
        )
    if recipe.architecture in ("splade", "csr") and given:
        raise RecipeError(f"training.router_mapping: architecture {recipe.architecture} has no routes.")


def _check_callbacks(recipe: Recipe) -> None:
    for number, callback in enumerate(recipe.callbacks):
        if callback.name == "SpladeRegularizerWeightSchedulerCallback":
            losses = [loss for _, loss in losses_of(recipe)]
            if len(losses) != 1 or losses[0].name not in REGULARIZED:
                raise RecipeError(
                    f"callbacks.{number}: {callback.name} needs exactly one loss, which is {' or '.join(REGULARIZED)}."
                )
