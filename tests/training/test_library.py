"""What is read from the libraries' source is what the libraries have, and all of it can be used."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from typing import Any

import pytest
from sentence_transformers.base.evaluation import SequentialEvaluator
from sentence_transformers.sparse_encoder import callbacks, evaluation, losses
from sentence_transformers.sparse_encoder.training_args import SparseEncoderTrainingArguments
from transformers.integrations import integration_utils

from sparse_train.model.expansion import ExpansionLoss
from sparse_train.recipe import library
from sparse_train.recipe.annotations import accepts
from sparse_train.recipe.combinations import ELSEWHERE
from sparse_train.recipe.describe import _fields, describe
from sparse_train.recipe.formats import COMPLETE, FORMATS, REGULARIZERS
from sparse_train.recipe.schema import entry

BASES = {"TrainerCallback", "ProgressCallback"}


def names_of(kind: Any) -> list[str]:
    parameters = inspect.signature(kind).parameters.values()
    return [one.name for one in parameters if one.name not in ("self", "model") and one.kind is not one.VAR_KEYWORD]


LOSSES = {name: getattr(losses, name) for name in losses.__all__} | {"ExpansionLoss": ExpansionLoss}


def test_every_loss_is_there() -> None:
    assert library.losses().keys() == LOSSES.keys()
    for name, signature in library.losses().items():
        assert list(signature) == names_of(LOSSES[name]), name


def test_every_loss_has_a_place_in_recipes() -> None:
    assert {*COMPLETE, *FORMATS, *REGULARIZERS} == LOSSES.keys()


def test_every_evaluator_is_there() -> None:
    assert set(library.evaluators()) == {*evaluation.__all__, "SequentialEvaluator"}
    for name, signature in library.evaluators().items():
        kind = SequentialEvaluator if name == "SequentialEvaluator" else getattr(evaluation, name)
        assert list(signature) == names_of(kind), name


def test_every_callback_is_there() -> None:
    own = {name for name in callbacks.__all__ if name.endswith("Callback")}
    trackers = {name for name in vars(integration_utils) if name.endswith("Callback") and name not in BASES}
    assert own | trackers | {"EarlyStoppingCallback"} == set(library.callbacks())
    for name, signature in library.callbacks().items():
        kind = getattr(importlib.import_module(library.callback_module(name)), name)
        assert list(signature) == names_of(kind), name


def test_every_training_argument_is_there() -> None:
    fields = dataclasses.fields(SparseEncoderTrainingArguments)
    assert set(library.training_arguments()) == {field.name for field in fields if field.init}


def test_required_arguments_are_those_without_default() -> None:
    for name, signature in library.losses().items():
        for key, parameter in inspect.signature(LOSSES[name]).parameters.items():
            if key != "model":
                assert (signature[key].default is None) == (parameter.default is inspect.Parameter.empty), (name, key)


def test_describe_names_everything() -> None:
    shown = describe()
    every = [library.losses(), library.evaluators(), library.callbacks(), library.training_arguments()]
    missing = [name for names in every for name in names if name not in shown]
    assert set(missing) <= ELSEWHERE.keys()


@pytest.mark.parametrize(
    ("annotation", "value", "fits"),
    [
        ("int", 3, True),
        ("int", True, False),
        ("float", 3, True),
        ("int", 3.0, False),
        ("str | None", None, True),
        ("Optional[str]", None, True),
        ("Union[str, None, dict[str, float]]", {"a": 1e-3}, True),
        ("Union[str, None, dict[str, float]]", {"a": "b"}, False),
        ("SchedulerType | str", "linear", True),
        ("SchedulerType | str", 3, False),
        ("tuple[Literal['a', 'b'], ...]", ["a"], True),
        ("tuple[Literal['a', 'b'], ...]", ["c"], False),
        ("nn.Module", "MSELoss", False),
        ("", "anything", False),
    ],
)
def test_annotations(annotation: str, value: object, fits: bool) -> None:
    assert accepts(annotation, value) is fits


def test_a_default_of_one_is_a_number() -> None:
    @dataclasses.dataclass
    class Part:
        one: int = entry("a number", 1)
        yes: bool = entry("a switch", True)

    assert list(_fields(Part)) == ["  one: int = 1", "      a number", "  yes: bool = true", "      a switch"]
