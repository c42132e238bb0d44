"""What can go wrong, as a tree.

SparseExportError
├── CheckpointError             the checkpoint cannot be read: missing, incomplete, damaged
│   └── UnsupportedCheckpointError   it can be read, but is of a kind that is not exported
├── InputError                  an option or an input file is wrong
├── OutputError                 the output cannot be written
├── BundleError                 a bundle is damaged, incomplete or too new
├── ParityError                 the exported graph differs from PyTorch
├── ServerError                 the server cannot be prepared or started, or has stopped
└── QualityError                the exported graph retrieves worse than PyTorch
"""

from __future__ import annotations


class SparseExportError(Exception):
    """Base of every error that the user can fix; its text is a sentence."""


class CheckpointError(SparseExportError):
    """The checkpoint is missing, incomplete or damaged."""


class UnsupportedCheckpointError(CheckpointError):
    """The checkpoint is of a family, backbone or task that is not exported."""


class InputError(SparseExportError):
    """An option or an input file is wrong."""


class OutputError(SparseExportError):
    """The output folder cannot be written."""


class BundleError(SparseExportError):
    """A bundle is damaged, incomplete, or of a newer format."""


class ParityError(SparseExportError):
    """The exported graph differs from PyTorch by more than its precision promises."""


class QualityError(SparseExportError):
    """The exported graph retrieves worse than the agreed share of PyTorch's nDCG@10."""


class ServerError(SparseExportError):
    """The server cannot be prepared or started, or has stopped."""
