"""The errors that callers may catch.

SparseClientError
├── BundleError              the bundle is missing, incomplete, broken, too new, or cannot do what was asked
├── InputError               a text, a vector, a file or an option was rejected, here or by the server
└── ServerError              the server failed, refused the caller, or is not a server of this kind
    ├── UnreachableError     it could not be reached, said that it is unavailable, or took too long
    └── ModelNotFoundError   it has no such model
"""

import textwrap


class SparseClientError(Exception):
    """Base of every error this package raises on purpose; its message says what to do."""


class BundleError(SparseClientError):
    """The bundle is missing, incomplete, broken, too new, or cannot do what was asked."""


class InputError(SparseClientError):
    """A text, a vector, a file or an option was rejected, here or by the server."""


class ServerError(SparseClientError):
    """The server failed, refused the caller, or is not a server of this kind."""


class UnreachableError(ServerError):
    """The server could not be reached, said that it is unavailable, or took too long."""


class ModelNotFoundError(ServerError):
    """The server has no such model."""


def one_line(error: BaseException) -> str:
    """Return the text of a library's error as one sentence of bearable length."""
    text = textwrap.shorten(str(error), 300, placeholder=" ...")
    if not text or isinstance(error, (LookupError, TypeError, AttributeError)):  # not written to be read alone
        text = f"{type(error).__name__} {text}".strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
