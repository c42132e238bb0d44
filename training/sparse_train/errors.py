"""What can go wrong, as a tree.

SparseTrainError
├── RecipeError      a recipe names something that is unknown, of the wrong type, or impossible
├── DataError        a data set cannot be read, or does not fit its loss
├── ModelError       the base model or checkpoint cannot be loaded
├── OutputError      the output is taken, or cannot be written or continued
└── ExportError      the training is done, but its export failed
"""

from __future__ import annotations


class SparseTrainError(Exception):
    """Base of every error that the user can fix; its text is a sentence."""


class RecipeError(SparseTrainError):
    """A recipe names something that is unknown, of the wrong type, or impossible."""


class DataError(SparseTrainError):
    """A data set cannot be read, or does not fit its loss."""


class ModelError(SparseTrainError):
    """The base model or checkpoint cannot be loaded."""


class OutputError(SparseTrainError):
    """The output is taken, or cannot be written or continued."""


class ExportError(SparseTrainError):
    """The training is done, but its export failed."""
