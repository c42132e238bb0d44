"""ONNX Runtime, imported when it is first needed, and refused by name where graphs would not compute the same."""

import re
from importlib import metadata
from typing import Any

from sparse_client.errors import SparseClientError

# The graphs of bundles are made for this and for all that came later, as docs/runtimes.md shows.
OLDEST = "1.19"


def load_onnxruntime() -> Any:
    """Return the module onnxruntime.

    Raises:
        SparseClientError: If it is not installed, too old, or cannot be imported.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise SparseClientError(_refusal(error)) from error
    found = getattr(onnxruntime, "__version__", "")  # a folder of that name can be imported too, and is empty
    if _too_old(found):
        raise SparseClientError(_needs(found))
    return onnxruntime


def _refusal(error: ImportError) -> str:
    """Tell why it cannot be imported: with a numpy that is too new for it, the error itself says nothing at all."""
    found = _installed()
    if found is None or _too_old(found):
        return _needs(found)
    why = str(error) or "the import gives no reason"
    return f"onnxruntime {found} is installed but cannot be imported beside numpy {metadata.version('numpy')}: {why}"


def _needs(found: str | None) -> str:
    return (
        f"LocalEncoder needs onnxruntime {OLDEST} or later, found {found or 'none'}: pip install 'sparse-export[cpu]'"
    )


def _installed() -> str | None:
    """Return the version of whatever distribution gives the module: onnxruntime-gpu does, for one."""
    names = metadata.packages_distributions().get("onnxruntime", [])
    return metadata.version(names[0]) if names else None


def _too_old(version: str) -> bool:
    return _numbers(version) < _numbers(OLDEST)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]
