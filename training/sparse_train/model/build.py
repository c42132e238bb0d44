"""Make the losses, evaluators and callbacks that a recipe names, by their own names in the libraries."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SparseEncoder, util
from sentence_transformers.base.evaluation import BaseEvaluator, SequentialEvaluator
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric
from sentence_transformers.sparse_encoder import evaluation, losses
from torch import nn
from transformers import TrainerCallback

from sparse_client.errors import one_line
from sparse_train.data.beir import read_beir
from sparse_train.data.load import load_dataset
from sparse_train.errors import DataError, RecipeError
from sparse_train.model.expansion import ExpansionLoss
from sparse_train.recipe import library
from sparse_train.recipe.schema import Component, Dataset


class Reconstruction(nn.Module):
    """CSRReconstructionLoss by itself, which the library runs within CSRLoss only: no pairs are needed."""

    def __init__(self, model: SparseEncoder, beta: float = 1.0) -> None:
        super().__init__()
        self.model = model
        self.loss = losses.CSRReconstructionLoss(model=model, beta=beta)

    def forward(self, sentence_features: Any, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        """Return the terms of the loss; features are those of one or more columns of texts."""
        del labels
        return self.loss.compute_loss_from_embeddings([self.model(features) for features in sentence_features])

    def get_config_dict(self) -> dict[str, Any]:
        """Return what the model card tells."""
        return self.loss.get_config_dict()


class Fusion(BaseEvaluator):
    """ReciprocalRankFusionEvaluator as trainers call evaluators; it looks at two lists of results, at no model."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.fusion = evaluation.ReciprocalRankFusionEvaluator(**arguments)

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        """Return the metrics of both lists and of their fusion."""
        del model
        return self.fusion(output_path, epoch, steps)


def build_loss(loss: Component, model: SparseEncoder, path: str) -> nn.Module:
    """Return a loss of the library, or our own, around a model.

    Raises:
        RecipeError: the library refuses the arguments.
    """
    if loss.name == "CSRReconstructionLoss":
        return Reconstruction(model, **loss.arguments)
    arguments = {name: _resolve(name, value, model, f"{path}.{name}") for name, value in loss.arguments.items()}
    kind = ExpansionLoss if loss.name == "ExpansionLoss" else getattr(losses, loss.name)
    return _make(kind, {"model": model, **arguments}, f"{path}.{loss.name}")


def _resolve(name: str, value: Any, model: SparseEncoder, path: str) -> Any:
    if isinstance(value, Component):
        return build_loss(value, model, path)
    if name == "similarity_fct":
        return getattr(util, value)
    if name == "distance_metric":
        return getattr(TripletDistanceMetric, value)
    if name in ("loss_fct", "cos_score_transformation"):
        return getattr(nn, value)()
    return tuple(value) if isinstance(value, list) else value


def build_evaluator(evaluator: Component, path: str) -> BaseEvaluator:
    """Return an evaluator of the library with the data that the recipe names for it.

    Raises:
        DataError: its data cannot be read, or lacks a column.
        RecipeError: the library refuses the arguments.
    """
    inside = f"{path}.{evaluator.name}"
    arguments = dict(evaluator.arguments)
    if "evaluators" in arguments:
        parts = [build_evaluator(part, f"{inside}.evaluators.{i}") for i, part in enumerate(arguments["evaluators"])]
        return SequentialEvaluator(parts)
    if "beir" in arguments:
        arguments |= read_beir(Path(arguments.pop("beir")))
    if "data" in arguments:
        arguments |= _columns(evaluator.name, arguments.pop("data"), f"{inside}.data")
    if "relevant_docs" in arguments:
        arguments["relevant_docs"] = {query: set(ids) for query, ids in arguments["relevant_docs"].items()}
    if "teacher_model" in arguments:
        arguments["teacher_model"] = SparseEncoder(arguments["teacher_model"])
    if "similarity_fct" in arguments:
        arguments["similarity_fct"] = getattr(util, arguments["similarity_fct"])
    for name, value in arguments.items():
        if isinstance(value, Dataset):
            arguments[name] = list(load_dataset(value, f"{inside}.{name}"))
    fusion = evaluator.name == "ReciprocalRankFusionEvaluator"
    return _make(Fusion if fusion else getattr(evaluation, evaluator.name), arguments, inside)


def _columns(name: str, dataset: Dataset, path: str) -> dict[str, list[Any]]:
    """Return each column of a data set as the argument of the same name."""
    rows = load_dataset(dataset, path)
    signature = library.evaluators()[name]
    known = [key for key, parameter in signature.items() if parameter.annotation.startswith("list[")]
    unknown = [column for column in rows.column_names if column not in known]
    if unknown:
        raise DataError(f"{path}: {name} takes the columns {', '.join(known)}, not {', '.join(unknown)}.")
    return {column: list(rows[column]) for column in rows.column_names}


def build_callback(callback: Component, loss: nn.Module | dict[str, nn.Module], path: str) -> TrainerCallback:
    """Return a callback of the libraries.

    Raises:
        RecipeError: it is not installed, or refuses the arguments.
    """
    arguments = dict(callback.arguments)
    if "loss" in library.callbacks()[callback.name]:
        arguments["loss"] = next(iter(loss.values())) if isinstance(loss, dict) else loss
    kind = getattr(importlib.import_module(library.callback_module(callback.name)), callback.name)
    return _make(kind, arguments, f"{path}.{callback.name}")


def _make(kind: Any, arguments: dict[str, Any], path: str) -> Any:
    try:
        return kind(**arguments)
    except (TypeError, ValueError, RuntimeError, ImportError) as error:
        raise RecipeError(f"{path}: {one_line(error)}") from error
