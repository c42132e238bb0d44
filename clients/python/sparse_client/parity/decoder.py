"""Replay decode.onnx: does it name the tokens of the tokenizer, or reconstruct the embedding that PyTorch does?"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.decoding import EMBEDDING, GRAPH, TOKENS
from sparse_client.bundle.outputs import to_sparse
from sparse_client.bundle.reader import Bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.parity.distance import FAINT
from sparse_client.parity.golden import Golden


def decoding_misses(
    bundle: Bundle, sessions: Sessions, golden: Sequence[Golden], label: Callable[[int], str]
) -> Iterator[str]:
    """Decode the golden vectors of documents, and yield what is not as it must be, one sentence each.

    Args:
        bundle: The bundle.
        sessions: Its graphs.
        golden: Those of documents.
        label: Gives the token of a dimension.

    Raises:
        BundleError: If the graph cannot be run.
    """
    if GRAPH not in bundle.manifest.files:
        return
    output = TOKENS if TOKENS in sessions.outputs(GRAPH) else EMBEDDING
    decoded = sessions.run(GRAPH, to_sparse([one.vector for one in golden]), [output])[output]
    yield from _other_tokens(golden, decoded, label) if output == TOKENS else _other_embeddings(golden, decoded)


def _other_tokens(golden: Sequence[Golden], decoded: NDArray[Any], label: Callable[[int], str]) -> Iterator[str]:
    for one, row in zip(golden, decoded, strict=True):
        indices = one.vector.indices.tolist()
        expected = [label(index) for index in indices] + [""] * (len(row) - len(indices))
        for token, wanted in zip(row.tolist(), expected, strict=True):
            if token != wanted:
                yield f"{GRAPH} calls {wanted!r} {token!r}, for {one.text[:40]!r}"
                break


def _other_embeddings(golden: Sequence[Golden], decoded: NDArray[np.float32]) -> Iterator[str]:
    for one, embedding in zip(golden, decoded, strict=True):
        if one.decoded is None:
            yield f"the golden vector of {one.text[:40]!r} has no reconstruction to compare {GRAPH} with"
            continue
        same = embedding.shape == one.decoded.shape
        difference = float(np.abs(embedding - one.decoded).max()) if same else np.inf
        if not difference <= FAINT:
            yield f"{GRAPH} gives an embedding that differs from PyTorch's by {difference:.1e}, for {one.text[:40]!r}"
