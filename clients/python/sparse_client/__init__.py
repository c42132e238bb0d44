"""Sparse text vectors from an exported bundle or a server that serves it, without torch.

Example:
    >>> from sparse_client import LocalEncoder
    >>> encoder = LocalEncoder("bundle/")
    >>> encoder.encode_queries(["nice weather"])[0].to_dict()
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparse_client.errors import (
        BundleError,
        InputError,
        ModelNotFoundError,
        ServerError,
        SparseClientError,
        UnreachableError,
    )
    from sparse_client.local import LocalEncoder
    from sparse_client.overlap import Contribution
    from sparse_client.parity.replay import verify
    from sparse_client.server.async_client import AsyncSparseClient
    from sparse_client.server.options import ClientOptions
    from sparse_client.server.sync_client import SparseClient
    from sparse_client.vectors import SparseVector

_MODULES = {
    "AsyncSparseClient": "server.async_client",
    "BundleError": "errors",
    "ClientOptions": "server.options",
    "Contribution": "overlap",
    "InputError": "errors",
    "LocalEncoder": "local",
    "ModelNotFoundError": "errors",
    "ServerError": "errors",
    "SparseClient": "server.sync_client",
    "SparseClientError": "errors",
    "SparseVector": "vectors",
    "UnreachableError": "errors",
    "verify": "parity.replay",
}
__all__ = [
    "AsyncSparseClient",
    "BundleError",
    "ClientOptions",
    "Contribution",
    "InputError",
    "LocalEncoder",
    "ModelNotFoundError",
    "ServerError",
    "SparseClient",
    "SparseClientError",
    "SparseVector",
    "UnreachableError",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use: numpy alone would cost every `--help` a tenth of a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
