"""Train what a recipe describes: data, checks, model, loss, training, checkpoint."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from sentence_transformers import SparseEncoder
from sentence_transformers.base.evaluation import BaseEvaluator, SequentialEvaluator
from sentence_transformers.sparse_encoder.training_args import SparseEncoderTrainingArguments
from torch import nn
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import set_seed
from transformers.utils.logging import disable_progress_bar

from sparse_client.errors import one_line
from sparse_client.replace import replacing
from sparse_train.data.checks import check_router, check_rows
from sparse_train.data.load import load_dataset
from sparse_train.errors import OutputError, RecipeError
from sparse_train.model.build import build_callback, build_evaluator, build_loss
from sparse_train.model.fused.head import fuse_head
from sparse_train.model.models import build_model, family_of, has_router
from sparse_train.recipe.combinations import check_loss_fits, losses_of
from sparse_train.recipe.schema import Dataset, Recipe
from sparse_train.run.card import write_card
from sparse_train.run.curve import draw_curve
from sparse_train.run.progress import ProgressLines
from sparse_train.run.runs import Run
from sparse_train.run.trainer import Trainer

CURVE = "training_curve.png"


def train(recipe: Recipe, *, resume: bool = False, force: bool = False) -> Path:
    """Train, and return the folder of the checkpoint, an ordinary sentence-transformers one.

    Args:
        recipe: what `read_recipe` returned.
        resume: go on from the last checkpoint of an interrupted run.
        force: replace an existing output and an earlier run.

    Raises:
        SparseTrainError: data, model, recipe or output are wrong; see `errors`.
    """
    disable_progress_bar()  # of transformers, for files; the training has its own
    run = Run(Path(recipe.output))
    checkpoint = run.check(resume=resume, force=force)
    arguments = _arguments(recipe, run)
    # As the trainer does, but before the model is made: new layers are the same in every run.
    set_seed(arguments.seed)
    data = {part: _load(getattr(recipe.data, part), recipe, part) for part in ("train", "eval")}
    model = build_model(recipe)
    _check_model(recipe, model, data)
    if recipe.fused_head:
        fuse_head(model)
    trainer = _trainer(recipe, model, arguments, data)
    if checkpoint is None:  # not before: a mistake in recipe or data must not cost an earlier run
        run.start_anew()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if recipe.evaluators:
        trainer.log(_final_metrics(trainer))
    trainer.save_state()
    if trainer.is_world_process_zero():
        _save(trainer, run)
    trainer.accelerator.wait_for_everyone()
    # A process that ends with its connections open can break off one that is still waiting.
    trainer.accelerator.state.destroy_process_group()
    return run.output


def _arguments(recipe: Recipe, run: Run) -> SparseEncoderTrainingArguments:
    settings: dict[str, Any] = {"multi_dataset_batch_sampler": recipe.data.sampling, **recipe.training}
    try:
        return SparseEncoderTrainingArguments(output_dir=str(run.folder), **settings)
    except (TypeError, ValueError, ImportError) as error:
        raise RecipeError(f"training: {one_line(error)}") from error


def _load(specs: tuple[Dataset, ...], recipe: Recipe, part: str) -> dict[str, Any]:
    """Load and check the data sets of one part, by name."""
    own = {spec.name: spec.loss for spec in recipe.data.train}
    loaded = {}
    for number, spec in enumerate(specs):
        path = f"data.{part}.{number}"
        loaded[spec.name] = load_dataset(spec, path)
        loss = own.get(spec.name) or recipe.loss
        if loss is not None:
            check_rows(loaded[spec.name], loss, path)
    return loaded


def _check_model(recipe: Recipe, model: SparseEncoder, data: dict[str, dict[str, Any]]) -> None:
    """Check what only the loaded model tells."""
    for path, loss in losses_of(recipe):
        check_loss_fits(loss, family_of(model), path)
    names = [name for name, _ in model.named_parameters()]
    for pattern in recipe.training.get("learning_rate_mapping") or {}:
        if not any(re.search(pattern, name) for name in names):
            some = ", ".join(names[:3])
            raise RecipeError(f"training.learning_rate_mapping: {pattern!r} matches no parameter, such as {some}.")
    if not has_router(model):
        return
    mapping = recipe.training.get("router_mapping")
    if not mapping:
        raise RecipeError("training.router_mapping: must be given; the checkpoint has a query and a document route.")
    for part, sets in data.items():
        for number, (name, rows) in enumerate(sets.items()):
            check_router(rows, mapping, name, f"data.{part}.{number}")


def _trainer(recipe: Recipe, model: SparseEncoder, arguments: Any, data: dict[str, dict[str, Any]]) -> Trainer:
    loss = _losses(recipe, model)
    by_name = isinstance(loss, dict)
    evaluators = [build_evaluator(part, f"evaluators.{i}") for i, part in enumerate(recipe.evaluators)]
    callbacks = [build_callback(part, loss, f"callbacks.{i}") for i, part in enumerate(recipe.callbacks)]
    try:
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=_one_or_several(data["train"], by_name),
            eval_dataset=_one_or_several(data["eval"], by_name) if data["eval"] else None,
            loss=loss,
            evaluator=_one_evaluator(evaluators),
            callbacks=callbacks,
        )
    except ValueError as error:
        raise RecipeError(f"training: {one_line(error)}") from error
    for default in (ProgressCallback, PrinterCallback):
        trainer.remove_callback(default)
    trainer.add_callback(ProgressLines())
    return trainer


def _losses(recipe: Recipe, model: SparseEncoder) -> nn.Module | dict[str, nn.Module]:
    """Return one loss, or one for each data set where one has its own."""
    train = recipe.data.train
    if all(spec.loss is None for spec in train) and recipe.loss is not None:
        return build_loss(recipe.loss, model, "loss")
    built = {}
    for number, spec in enumerate(train):
        loss = spec.loss or recipe.loss
        assert loss is not None  # the combinations were checked
        built[spec.name] = build_loss(loss, model, f"data.train.{number}.loss")
    return built if len(built) > 1 else built[train[0].name]


def _one_or_several(data: dict[str, Any], by_name: bool) -> Any:
    """Return data sets by name where there are several, or where the loss is chosen by name."""
    from datasets import DatasetDict

    return DatasetDict(data) if by_name or len(data) > 1 else next(iter(data.values()))


def _one_evaluator(evaluators: list[BaseEvaluator]) -> BaseEvaluator | None:
    return evaluators[0] if len(evaluators) == 1 else SequentialEvaluator(evaluators) if evaluators else None


def _final_metrics(trainer: Trainer) -> dict[str, float]:
    """Evaluate what was trained, unless the last step just did."""
    last = trainer.state.log_history[-2:]
    if any(entry["step"] == trainer.state.global_step and _has_metrics(entry) for entry in last):
        return {}
    metrics = trainer.evaluate()
    return {name: value for name, value in metrics.items() if not re.search("runtime|per_second", name)}


def _has_metrics(entry: dict[str, Any]) -> bool:
    return any(name.startswith("eval_") and name != "eval_loss" for name in entry)


def _save(trainer: Trainer, run: Run) -> None:
    """Write the checkpoint with its card and curve beside the output, then rename."""
    try:
        with replacing(run.output) as new:
            trainer.model.save_pretrained(str(new))
            drawn = draw_curve(trainer.state.log_history, new / CURVE)
            write_card(new / "README.md", trainer.state.log_history, CURVE if drawn else None)
            for weights in new.rglob("*.safetensors"):  # safetensors writes what nobody else may read
                weights.chmod(0o666 & ~_umask())
    except OSError as error:
        raise OutputError(f"{run.output}: cannot be written: {one_line(error)}") from error


def _umask() -> int:
    """Return the process's mask for new files, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
