"""--special-tokens drop: the dimensions of special tokens have weight 0, in PyTorch's reference and in every graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SparseEncoder

from sparse_client import LocalEncoder
from sparse_client.parity.replay import verify
from sparse_export import ExportOptions
from sparse_export.errors import InputError
from sparse_export.options import Output, Precision, SpecialTokens
from sparse_export.pipeline.export import export
from support.commands import error_of
from support.tiny_checkpoints import SPECIAL, save_csr, save_inference_free, save_splade

TEXTS = ["fish [SEP] weather", "the bank [MASK] of [CLS] the river", "weather"]
IDS = range(len(SPECIAL))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"precision": Precision.INT8},
        {"precision": Precision.FP16},
        {"form": Output.DENSE},
        {"max_active_dims": 20},
    ],
    ids=["fp32", "int8", "fp16", "row", "limited"],
)
@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_splade(tmp_path: Path, pooling: str, more: dict[str, Any]) -> None:
    model = save_splade(tmp_path / "model", pooling)
    plain = SparseEncoder(str(model), device="cpu").encode_document(TEXTS, convert_to_sparse_tensor=False)
    assert (np.asarray(plain)[:, IDS] > 0).any(), "or nothing would be dropped"
    manifest = export(ExportOptions(str(model), tmp_path / "bundle", special_tokens=SpecialTokens.DROP, **more))
    assert (manifest.special_tokens, manifest.dropped_ids) == ("drop", tuple(IDS))
    assert verify(tmp_path / "bundle").passed
    vectors = LocalEncoder(tmp_path / "bundle").encode_documents(TEXTS)
    assert not any(index in IDS for vector in vectors for index in vector.indices.tolist())
    if more in ({}, {"form": Output.DENSE}):
        for vector, row in zip(vectors, plain, strict=True):
            expected = np.asarray(row).copy()
            expected[IDS] = 0.0
            np.testing.assert_allclose(vector.values, -np.sort(-expected[expected > 0]), atol=1e-4)


def test_golden_vectors_are_without_them(tmp_path: Path) -> None:
    model = save_splade(tmp_path / "model")
    for choice in SpecialTokens:
        export(ExportOptions(str(model), tmp_path / choice, special_tokens=choice))
    kept, dropped = (dimensions(tmp_path / choice / "golden.jsonl") for choice in SpecialTokens)
    assert kept - dropped == kept & set(IDS)
    assert kept & set(IDS)


def dimensions(golden: Path) -> set[int]:
    return {index for line in golden.read_text().splitlines() for index in json.loads(line)["indices"]}


def test_a_table_of_query_weights(tmp_path: Path) -> None:
    model = save_inference_free(tmp_path / "model")
    export(ExportOptions(str(model), tmp_path / "bundle", special_tokens=SpecialTokens.DROP))
    assert verify(tmp_path / "bundle").passed
    vectors = LocalEncoder(tmp_path / "bundle").encode_queries(TEXTS)
    assert [len(vector) for vector in vectors] == [2, 3, 1]  # "the" counts for nothing
    table = json.loads((tmp_path / "bundle" / "query_table.json").read_text())
    assert [table[token] for token in SPECIAL] == [0.0] * len(SPECIAL)


def test_features_are_no_tokens(tmp_path: Path) -> None:
    model = save_csr(tmp_path / "model")
    with pytest.raises(InputError, match="dimensions are features and no tokens"):
        export(ExportOptions(str(model), tmp_path / "bundle", special_tokens=SpecialTokens.DROP))
    error = error_of("--model", model, "--output", tmp_path / "bundle", "--special-tokens", "drop")
    assert "export it without --special-tokens drop." in error
