"""What goes to the server and comes back: tensors by name, and the batches that they are cut into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.outputs import DENSE, from_sparse
from sparse_client.errors import InputError
from sparse_client.server.failures import AttemptError, Reason
from sparse_client.vectors import SparseVector

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What a client must know of a model.

    Attributes:
        max_batch_size: Rows that one request may have.
        outputs: Names of its outputs.
        dense_dim: Width of its dense embeddings, 0 where it gives none.
        last_step: Of an ensemble, the model that gives its outputs, None of another model.
    """

    max_batch_size: int
    outputs: tuple[str, ...]
    dense_dim: int = 0
    last_step: str | None = None


def parse_config(raw: Mapping[str, Any]) -> ModelConfig:
    """Read a model's configuration as the server tells it.

    Raises:
        AttemptError: If it is none, or of a model that takes no batches.
    """
    try:
        most, outputs = int(raw.get("max_batch_size", 0)), tuple(output["name"] for output in raw["output"])
        steps = [step["model_name"] for step in raw.get("ensemble_scheduling", {}).get("step", [])]
        dense_dim = next((int(output["dims"][0]) for output in raw["output"] if output["name"] == DENSE), 0)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise AttemptError(Reason.FAILED, f"its configuration cannot be read ({error!r})") from error
    if most < 1:
        raise AttemptError(Reason.FAILED, "it takes no batches: make the repository with `sparse-export triton`")
    return ModelConfig(most, outputs, dense_dim, steps[-1] if steps else None)


def batches(sizes: Sequence[int], most: int) -> list[list[int]]:
    """Cut positions into batches of like sizes, the largest first: padding to the longest text costs least so.

    Args:
        sizes: The size of each input.
        most: How many inputs a batch may have.
    """
    order = sorted(range(len(sizes)), key=lambda position: -sizes[position])
    return [order[start : start + most] for start in range(0, len(order), most)]


def text_tensors(texts: Sequence[str]) -> Tensors:
    """Return the input of an encoder: ``TEXT``, bytes ``[batch, 1]``."""
    return {"TEXT": np.array([[text.encode()] for text in texts], dtype=np.object_)}


def token_tensors(rows: Sequence[NDArray[np.int64]]) -> Tensors:
    """Return ``input_ids`` and ``attention_mask``, int64 ``[batch, longest]``; padding is 0, no model looks at it."""
    width = max(1, *(len(row) for row in rows))
    ids, mask = (np.zeros((len(rows), width), np.int64) for _ in range(2))
    for position, row in enumerate(rows):
        ids[position, : len(row)], mask[position, : len(row)] = row, 1
    return {"input_ids": ids, "attention_mask": mask}


def read_vectors(outputs: Tensors, count: int, most: int | None) -> list[SparseVector]:
    """Return the vectors of an answer without their padding.

    Args:
        outputs: ``indices`` and ``values``, ``[batch, active]``.
        count: How many texts were sent.
        most: How many dimensions to keep of each, None for all.

    Raises:
        AttemptError: If the answer is not one vector per text.
    """
    indices, values = (_output(outputs, name, count) for name in ("indices", "values"))
    try:
        return from_sparse({"indices": indices, "values": values}, most)
    except (InputError, TypeError, ValueError) as error:
        raise AttemptError(Reason.FAILED, f"it gave an invalid vector: {error}") from error


def read_hybrid(outputs: Tensors, count: int, most: int | None) -> list[tuple[SparseVector, NDArray[np.float32]]]:
    """Return with each vector of `read_vectors` its row of ``dense``, float32 ``[batch, width]``.

    Raises:
        AttemptError: If the answer is not one vector and one embedding per text.
    """
    return list(zip(read_vectors(outputs, count, most), _output(outputs, DENSE, count), strict=True))


def read_tokens(outputs: Tensors, count: int) -> list[list[str]]:
    """Return the rows of ``tokens``, bytes ``[batch, active]``, padding included.

    Raises:
        AttemptError: If the answer is not one row of texts per vector.
    """
    rows = _output(outputs, "tokens", count)
    try:
        return [[token.decode() for token in row] for row in rows]
    except (AttributeError, UnicodeDecodeError) as error:
        raise AttemptError(Reason.FAILED, f"it gave tokens that are no texts: {error}") from error


def read_embeddings(outputs: Tensors, count: int) -> NDArray[np.float32]:
    """Return ``embedding``, float32 ``[batch, width]``.

    Raises:
        AttemptError: If the answer is not one embedding per vector.
    """
    return _output(outputs, "embedding", count)


def _output(outputs: Tensors, name: str, count: int) -> NDArray[Any]:
    if name not in outputs:
        raise AttemptError(Reason.FAILED, f"it gave {', '.join(outputs) or 'nothing'}, not {name}")
    if outputs[name].ndim != 2 or len(outputs[name]) != count:
        raise AttemptError(Reason.FAILED, f"it gave {name} of shape {outputs[name].shape} for {count} inputs")
    return outputs[name]
