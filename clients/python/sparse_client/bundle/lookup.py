"""The query table of an inference-free bundle, looked up without a graph: what query.onnx computes, at once."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.manifest import TABLE
from sparse_client.bundle.outputs import strongest
from sparse_client.bundle.reader import Bundle
from sparse_client.errors import BundleError, SparseClientError
from sparse_client.vectors import SparseVector

_TENSOR = "weights"


class QueryTable:
    """One weight per token; may be used from several threads.

    Args:
        bundle: The bundle, which has a `query_table.safetensors`.

    Raises:
        BundleError: If the table cannot be read, or is not one finite float32 weight per dimension.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._path = bundle.path / TABLE
        self._limit = bundle.manifest.max_active_dims
        self._weights = _read(bundle)

    def vector(self, ids: Iterable[int], most: int | None) -> SparseVector:
        """Return the weights of the tokens, each distinct token once, sorted by falling weight.

        Args:
            ids: The token ids of one query.
            most: How many dimensions to keep, the largest by absolute weight; None for as many as the bundle does.

        Raises:
            BundleError: If the table has no such token.
        """
        # Not np.unique: of equal weights the token that came first stays first, as in the graph.
        distinct = np.array(list(dict.fromkeys(ids)), dtype=np.int32)
        try:
            weights = self._weights[distinct]
        except IndexError as error:
            raise BundleError(
                f"{self._path} has {len(self._weights)} weights, but a token has id {distinct.max()}: "
                "export the bundle again"
            ) from error
        limits = [limit for limit in (self._limit, most) if limit is not None]
        active = weights != 0
        return SparseVector.unchecked(*strongest(distinct[active], weights[active], min(limits, default=None)))


def _read(bundle: Bundle) -> NDArray[np.float32]:
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise SparseClientError(f"{TABLE} needs safetensors ({error}): pip install 'sparse-export[cpu]'") from error
    path = bundle.path / TABLE
    try:
        weights = load_file(path)[_TENSOR]
    except KeyError as error:
        raise BundleError(f"{path} has no tensor {error}: export the bundle again") from error
    except Exception as error:  # safetensors' own error has no stable name
        raise BundleError(f"{path} is not a file that safetensors can read ({error})") from error
    dimension = bundle.manifest.dimension
    if weights.dtype != np.float32 or weights.shape != (dimension,) or not np.isfinite(weights).all():
        raise BundleError(
            f"{path} holds {weights.dtype} {weights.shape}, expected ({dimension},) finite float32 weights: "
            "export the bundle again"
        )
    return weights
