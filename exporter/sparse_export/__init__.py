"""Export sparse text encoders to ONNX bundles that were compared with PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sparse_export.errors import SparseExportError
from sparse_export.options import Cpu, ExportOptions, Output, Precision

if TYPE_CHECKING:
    from sparse_export.bundle.verification import verify
    from sparse_export.pipeline.export import export

__all__ = ["Cpu", "ExportOptions", "Output", "Precision", "SparseExportError", "export", "verify"]


def __getattr__(name: str) -> Any:
    # torch and ONNX Runtime load with the first use, so that `sparse-export --help` stays quick.
    if name == "export":
        from sparse_export.pipeline.export import export as found
    elif name == "verify":
        from sparse_export.bundle.verification import verify as found  # type: ignore[assignment]
    else:
        raise AttributeError(f"module 'sparse_export' has no attribute '{name}'")
    return found
