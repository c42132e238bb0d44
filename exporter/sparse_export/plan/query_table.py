"""The query table of an inference-free model: one weight per token, in every form that a bundle has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from safetensors.numpy import save_file

from sparse_export.errors import CheckpointError
from sparse_export.graph import lookup

GRAPH, TENSORS, TOKENS = "query.onnx", "query_table.safetensors", "query_table.json"
WEIGHTS = "weights"  # the tensor in TENSORS


@dataclass(frozen=True, slots=True)
class StaticTable:
    """float32 `[dimension]`: what a query token weighs; may be negative."""

    weights: np.ndarray

    def without(self, dimensions: Sequence[int]) -> StaticTable:
        """Return the table with weight 0 for these dimensions."""
        weights = self.weights.copy()
        weights[list(dimensions)] = 0.0
        return StaticTable(weights)

    def write(self, folder: Path, labels: list[str], opset: int, max_active_dims: int | None) -> None:
        """Write query.onnx, query_table.safetensors (`weights`) and query_table.json, all from this table.

        The JSON form names every token, those of weight 0 too: OpenSearch gives a token that is missing weight 1.
        """
        ir.save(lookup.build(self.weights, opset, max_active_dims), folder / GRAPH)
        save_file({WEIGHTS: self.weights}, folder / TENSORS)
        named = {label: float(str(weight)) for label, weight in zip(labels, self.weights, strict=True)}
        (folder / TOKENS).write_text(json.dumps(named, ensure_ascii=False) + "\n", encoding="utf-8")


def read_table(static: Any, dimension: int) -> StaticTable:
    """Take the table of sentence-transformers' SparseStaticEmbedding.

    A table that is larger than its tokenizer is taken as it is: no token reaches the rest.

    Args:
        static: The module.
        dimension: Number of dimensions of a document.

    Raises:
        CheckpointError: Its size fits neither its tokenizer nor the documents.
    """
    weights = np.ascontiguousarray(static.weight.detach().numpy(), np.float32)
    largest = max(static.tokenizer.get_vocab().values())
    if len(weights) <= largest:
        raise CheckpointError(
            f"The SparseStaticEmbedding has {len(weights)} weights, but its tokenizer has ids up to {largest}; "
            "save it again with sentence-transformers 6.2 or later, which sizes it by the tokenizer."
        )
    if len(weights) > dimension:
        raise CheckpointError(
            f"The SparseStaticEmbedding has {len(weights)} weights, but documents have {dimension} dimensions; "
            "queries and documents must share one vocabulary."
        )
    return StaticTable(np.pad(weights, (0, dimension - len(weights))))


def check_idf(folder: Path, tokenizer: Any) -> None:
    """Check the tokens of a table that is saved as idf.json.

    Raises:
        CheckpointError: The tokenizer does not know some: sentence-transformers lets them overwrite the weight of the
            unknown token.
    """
    known = tokenizer.get_vocab()
    for path in folder.rglob("idf.json"):
        tokens = json.loads(path.read_text(encoding="utf-8"))
        unknown = [token for token in tokens if token not in known]
        if unknown:
            raise CheckpointError(
                f"The SparseStaticEmbedding's {path.name} has {len(unknown)} of {len(tokens)} tokens that the "
                f"tokenizer does not know, such as {unknown[0]!r}; remove them or use the tokenizer that they are from."
            )
