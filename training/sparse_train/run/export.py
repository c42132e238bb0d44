"""Export a trained checkpoint with sparse_export."""

from __future__ import annotations

from pathlib import Path

from sparse_export.errors import SparseExportError
from sparse_export.options import PRECISION_OF_QUANTIZE, ExportOptions
from sparse_train.errors import ExportError


def export_options(checkpoint: Path, bundle: Path, quantize: str, *, force: bool) -> ExportOptions:
    """Return how a checkpoint is exported; called before the training, so that a mistake shows at once."""
    return ExportOptions(str(checkpoint), bundle, precision=PRECISION_OF_QUANTIZE[quantize], force=force)


def export(options: ExportOptions, repository: Path | None) -> list[Path]:
    """Export a checkpoint to a verified bundle, and write the models that serve it; return what was written.

    Args:
        options: How.
        repository: Triton model repository, None for none.

    Raises:
        ExportError: If the export failed; the checkpoint is complete all the same.
    """
    from sparse_export import export as run

    try:
        run(options)
        if repository is None:
            return [options.output]
        from sparse_export.triton import repository as models
        from sparse_export.triton.options import RepositoryOptions

        name = options.output.resolve().name
        written = models.write(RepositoryOptions(options.output, repository, name, force=options.force))
        return [options.output, *(repository / model for model in written)]
    except SparseExportError as error:
        raise ExportError(f"{options.model} is trained, but its export failed: {error}") from error
