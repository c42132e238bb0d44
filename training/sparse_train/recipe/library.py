"""What the installed libraries offer, read from their source: names and signatures cost no import of torch."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LOSSES = "sentence_transformers.sparse_encoder.losses"
OWN_LOSSES = {"ExpansionLoss": "sparse_train.model.expansion"}
EVALUATORS = "sentence_transformers.sparse_encoder.evaluation"
SEQUENTIAL = "sentence_transformers.base.evaluation"
SPARSE_CALLBACKS = "sentence_transformers.sparse_encoder.callbacks"
TRACKERS = "transformers.integrations.integration_utils"
TRAINER_CALLBACKS = "transformers.trainer_callback"
ARGUMENTS = (
    ("transformers.training_args", "TrainingArguments"),
    ("sentence_transformers.base.training_args", "BaseTrainingArguments"),
    ("sentence_transformers.sparse_encoder.training_args", "SparseEncoderTrainingArguments"),
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a class: its annotation and default as they are written; required if default is None."""

    annotation: str
    default: str | None

    def __str__(self) -> str:
        written = self.annotation or "any"
        return written if self.default is None else f"{written} = {self.default}"


Signature = dict[str, Parameter]


def exported(module: str) -> tuple[str, ...]:
    """Return `__all__` of a module."""
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(ast.literal_eval(node.value))
    raise LookupError(f"{module} has no __all__")


@cache
def losses() -> dict[str, Signature]:
    """Return the sparse losses by name, ours last, with their arguments but for the model."""
    modules = dict.fromkeys(exported(LOSSES), LOSSES) | OWN_LOSSES
    return {name: _signature(module, name) for name, module in modules.items()}


@cache
def evaluators() -> dict[str, Signature]:
    """Return the sparse evaluators by name, and SequentialEvaluator."""
    found = {name: _signature(EVALUATORS, name) for name in exported(EVALUATORS)}
    return {**found, "SequentialEvaluator": _signature(SEQUENTIAL, "SequentialEvaluator")}


@cache
def callbacks() -> dict[str, Signature]:
    """Return the callbacks by name: sentence-transformers' own, early stopping, and the trackers of transformers."""
    modules = {"SpladeRegularizerWeightSchedulerCallback": SPARSE_CALLBACKS, "EarlyStoppingCallback": TRAINER_CALLBACKS}
    modules |= {name: TRACKERS for name in _classes(TRACKERS) if name.endswith("Callback")}
    return {name: _signature(module, name) for name, module in modules.items()}


def callback_module(name: str) -> str:
    """Return the module that a callback of `callbacks()` is imported from."""
    own = {"SpladeRegularizerWeightSchedulerCallback": SPARSE_CALLBACKS, "EarlyStoppingCallback": TRAINER_CALLBACKS}
    return own.get(name, TRACKERS)


@cache
def training_arguments() -> Signature:
    """Return every field of SparseEncoderTrainingArguments."""
    fields: Signature = {}
    for module, name in ARGUMENTS:
        for node in _classes(module)[name].body:
            if isinstance(node, ast.AnnAssign):
                fields[ast.unparse(node.target)] = Parameter(ast.unparse(node.annotation), _default(node.value))
    return fields


def _default(value: ast.expr | None) -> str | None:
    """Return what a dataclass field is by default, as source."""
    if not isinstance(value, ast.Call):
        return ast.unparse(value) if value else None
    given = {keyword.arg: keyword.value for keyword in value.keywords}
    if "default" in given:
        return ast.unparse(given["default"])
    return f"{ast.unparse(given['default_factory'])}()" if "default_factory" in given else None


def _signature(module: str, name: str) -> Signature:
    """Return the arguments of a class, its own or its nearest parent's."""
    for node in _lineage(module, name):
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                return {key: parameter for key, parameter in _parameters(method.args) if key not in {"self", "model"}}
    return {}


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, Parameter]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*missing, *arguments.defaults], strict=True)]
    pairs += [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    for argument, default in pairs:
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        yield argument.arg, Parameter(annotation, ast.unparse(default) if default else None)


def _lineage(module: str, name: str) -> Iterator[ast.ClassDef]:
    """Yield a class and its parents, as far as they can be followed."""
    waiting = [(module, name)]
    while waiting:
        home, name = waiting.pop(0)
        home, name = _home(home, name)
        node = _classes(home).get(name) if home else None
        if node is not None:
            yield node
            waiting += [(home, ast.unparse(base)) for base in node.bases]


def _home(module: str, name: str) -> tuple[str, str]:
    """Follow imports to the module that defines a name; an empty module where the trail ends."""
    while module and name not in _classes(module):
        module, name = next(_origins(module, name), ("", name))
    return module, name


def _origins(module: str, name: str) -> Iterator[tuple[str, str]]:
    package = module if _path(module).name == "__init__.py" else module.rpartition(".")[0]
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
                    yield (source, alias.name) if source.partition(".")[0] in _LIBRARIES else ("", name)


_LIBRARIES = {"sentence_transformers", "transformers"}


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _tree(module).body if isinstance(node, ast.ClassDef)}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@cache
def _path(module: str) -> Path:
    library, *inside = module.split(".")
    spec = importlib.util.find_spec(library)  # of a package at the top, this imports nothing
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{library} is not installed", name=library)
    path = Path(spec.origin).parent.joinpath(*inside)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
