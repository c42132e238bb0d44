"""The errors that callers may catch.

SparseClientError
├── BundleError    the bundle is missing, incomplete, broken, too new, or cannot do what was asked
└── InputError     a text, a vector, a file or an option was rejected
"""


class SparseClientError(Exception):
    """Base of every error this package raises on purpose; its message says what to do."""


class BundleError(SparseClientError):
    """The bundle is missing, incomplete, broken, too new, or cannot do what was asked."""


class InputError(SparseClientError):
    """A text, a vector, a file or an option was rejected."""
