"""Sparse text vectors from an exported bundle, without torch.

Example:
    >>> from sparse_client import LocalEncoder
    >>> encoder = LocalEncoder("bundle/")
    >>> encoder.encode_queries(["nice weather"])[0].to_dict()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_client.errors import BundleError, InputError, SparseClientError
    from sparse_client.local import LocalEncoder
    from sparse_client.overlap import Contribution
    from sparse_client.vectors import SparseVector

__all__ = ["BundleError", "Contribution", "InputError", "LocalEncoder", "SparseClientError", "SparseVector"]

_MODULES = {"Contribution": "overlap", "LocalEncoder": "local", "SparseVector": "vectors"}


def __getattr__(name: str) -> object:
    """Import a public name on first use: numpy alone would cost every `--help` a tenth of a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
