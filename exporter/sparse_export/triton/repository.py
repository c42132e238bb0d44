"""Write the models of a bundle into a Triton model repository, each in full or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparse_client.bundle.decoding import GRAPH as DECODE
from sparse_export.bundle.writing import REASONS
from sparse_export.errors import OutputError
from sparse_export.triton import configs, gpu
from sparse_export.triton import servable as bundles
from sparse_export.triton.names import Names
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.servable import Servable

CONFIG, GPU_CONFIG, VERSION = "config.pbtxt", "configs/gpu.pbtxt", "1"
GRAPH, GPU_GRAPH = "model.onnx", "model_gpu.onnx"
TOKENIZE = Path(__file__).with_name("tokenize_model.py")
UNLIMITED_TOKENS = 512  # what a GPU is prepared for where texts have no largest length


def write(options: RepositoryOptions) -> list[str]:
    """Write the models that serve a bundle.

    All are made in a hidden folder first, which no server looks at, and take their places at the end: a model appears
    complete, ensembles after what they consist of.

    Args:
        options: Which bundle, where and how.

    Returns:
        The names of the models, ensembles last.

    Raises:
        BundleError: A bundle is damaged or cannot be served.
        InputError: The two bundles do not belong together.
        OutputError: The models exist and are not to be replaced, or cannot be written.
    """
    names = Names(options.name)
    served = bundles.read(options.bundle)
    other = served if options.gpu_bundle is None else bundles.read(options.gpu_bundle)
    if other is not served:
        bundles.check_pair(served, other)
    check_free(options)
    try:
        with _workshop(options.repository) as workshop:
            models = list(_models(_Job(workshop, served, other, options)))
            _take_places(options.repository, workshop, names, models)
    except OSError as error:
        if error.errno not in REASONS:
            raise
        raise OutputError(f"'{options.repository}' cannot be written: {REASONS[error.errno]}.") from error
    return models


def check_free(options: RepositoryOptions) -> None:
    """Check that no model of that name is there, or that it may be replaced.

    Raises:
        OutputError: One is there.
    """
    for name in Names(options.name).all():
        model = options.repository / name
        if not model.exists():
            continue
        if not _is_ours(model):
            raise OutputError(f"'{model}' was not written by sparse-export and is not replaced; give another name.")
        if not options.force:
            raise OutputError(f"'{model}' exists; give another name, or force=True to replace it.")


def _is_ours(model: Path) -> bool:
    try:
        return (model / CONFIG).read_text(encoding="utf-8").startswith(configs.HEADER)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _workshop(repository: Path) -> Iterator[Path]:
    repository.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".sparse-export.", dir=repository))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is written where: `served` on a CPU; on a GPU the towers of `other`, if they run well there."""

    folder: Path
    served: Servable
    other: Servable
    options: RepositoryOptions


def _models(job: _Job) -> Iterator[str]:
    """Write every model and yield its name, ensembles last."""
    names = Names(job.options.name)
    yield _tokenize(job, names.tokenize)
    for route, graph in job.served.graphs().items():
        yield _encoder(job, names.encoder(route), route, graph)
    _copy_graph(job.served, DECODE, _version(job, names.decode) / GRAPH)
    yield _configure(job, names.decode, configs.decode(job.served, job.options))
    for route in job.served.routes:
        name = names.ensemble(route)
        (_version(job, name) / ".gitkeep").touch()  # the folder must exist, and git keeps no empty one
        yield _configure(job, name, configs.ensemble(names, job.served, route, job.options))


def _tokenize(job: _Job, name: str) -> str:
    shutil.copyfile(TOKENIZE, _version(job, name) / "model.py")
    for route in job.served.routes.values():
        if (slow := route.settings.get("python_tokenizer")) is not None:
            target = _version(job, name) / slow["folder"]
            shutil.copytree(job.served.folder / slow["folder"], target, dirs_exist_ok=True)
            continue
        file = route.settings["tokenizer"]
        shutil.copyfile(job.served.folder / file, _version(job, name) / file)
    config = configs.tokenize(job.served, job.options)
    return _configure(job, name, config, gpu.tokenize(config) if job.other.on_gpu else None)


def _encoder(job: _Job, name: str, route: str, graph: str) -> str:
    _copy_graph(job.served, graph, _version(job, name) / GRAPH)
    config = configs.encoder(job.served, job.options)
    if job.served.is_lookup(graph) or not job.other.on_gpu:
        return _configure(job, name, config)
    file = GRAPH if job.other is job.served else GPU_GRAPH
    if file != GRAPH:
        _copy_graph(job.other, graph, _version(job, name) / file)
    longest = job.served.routes[route].settings["max_length"] or UNLIMITED_TOKENS
    return _configure(job, name, config, gpu.encoder(config, job.options, longest, file))


def _copy_graph(bundle: Servable, graph: str, target: Path) -> None:
    """Copy a graph; with weights in side files it becomes a folder of that name, as Triton wants it."""
    sides = bundle.side_files(graph)
    if sides:
        target.mkdir()
        for side in sides:
            shutil.copyfile(bundle.folder / side, target / side)
        target /= GRAPH
    shutil.copyfile(bundle.folder / graph, target)


def _configure(job: _Job, name: str, config: Any, on_gpu: Any = None) -> str:
    """Write the configuration of a model, the last of its files, and return its name."""
    if on_gpu is not None:
        (job.folder / name / GPU_CONFIG).parent.mkdir()
        (job.folder / name / GPU_CONFIG).write_text(configs.text(on_gpu), encoding="utf-8")
    (job.folder / name / CONFIG).write_text(configs.text(config), encoding="utf-8")
    return name


def _version(job: _Job, name: str) -> Path:
    folder = job.folder / name / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _take_places(repository: Path, workshop: Path, names: Names, models: list[str]) -> None:
    """Move the new models into the repository and the old ones of that name out of it; undo that if it fails."""
    old = workshop / "old"
    old.mkdir()
    done: list[tuple[Path, Path]] = []
    obsolete = [name for name in names.all() if name not in models]
    moves = [(repository / name, old / name) for name in obsolete if (repository / name).exists()]
    for name in models:
        if (repository / name).exists():
            moves.append((repository / name, old / name))
        moves.append((workshop / name, repository / name))
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise
