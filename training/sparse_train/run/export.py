"""Export a trained checkpoint with sparse_export."""

from __future__ import annotations

from pathlib import Path

from sparse_export.console import show_export, steps, stoppable
from sparse_export.errors import SparseExportError
from sparse_export.options import PRECISION_OF_QUANTIZE, ExportOptions
from sparse_export.triton.options import RepositoryOptions
from sparse_train.errors import ExportError


def export_options(checkpoint: Path, bundle: Path, quantize: str, *, force: bool) -> ExportOptions:
    """Return how a checkpoint is to be exported."""
    return ExportOptions(str(checkpoint), bundle, precision=PRECISION_OF_QUANTIZE[quantize], force=force)


def check_export(options: ExportOptions, repository: Path | None) -> None:
    """Check before a training of hours that its export can be written; a missing library shows here, too.

    Raises:
        ExportError: If something is in the way that may not be replaced.
    """
    from sparse_export.bundle.writing import check_free

    try:
        check_free(options.output, options.force)
        if repository is not None:
            from sparse_export.triton import repository as models

            models.check_free(_models(options, repository))
    except SparseExportError as error:
        raise ExportError(str(error)) from error


def export(options: ExportOptions, repository: Path | None) -> list[Path]:
    """Export a checkpoint to a verified bundle, and write the models that serve it; return the models' folders.

    Args:
        options: How.
        repository: Triton model repository, None for none.

    Raises:
        ExportError: If the export failed; the checkpoint is complete all the same.
    """
    from sparse_export import export as run

    try:
        with stoppable(), steps():
            manifest = run(options)
        show_export(options, manifest)
        if repository is None:
            return []
        from sparse_export.triton import repository as models

        return [repository / model for model in models.write(_models(options, repository))]
    except SparseExportError as error:
        raise ExportError(f"{options.model} is trained, but its export failed: {error}") from error


def _models(options: ExportOptions, repository: Path) -> RepositoryOptions:
    return RepositoryOptions(options.output, repository, options.output.resolve().name, force=options.force)
