"""Token ids in place of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparse_client import BundleError, InputError, LocalEncoder

TEXTS = ["The weather is lovely today.", "", "fish and whales in the sea " * 30]


def test_ids_of_texts_give_their_vectors(splade_bundle: Path, idf_bundle: Path) -> None:
    for bundle in (splade_bundle, idf_bundle):
        encoder = LocalEncoder(bundle)
        for route, by_text in (("document", encoder.encode_documents), ("query", encoder.encode_queries)):
            rows = encoder._encoding.tokenizers.of(route).ids(TEXTS)
            assert encoder.encode_token_ids(rows, route) == by_text(TEXTS)
            assert encoder.encode_token_ids([row.tolist() for row in rows], route) == by_text(TEXTS)
    assert encoder.encode_token_ids([]) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (7, "got one int, expected a list of lists of token ids"),
        ("abc", "row 0 is "),
        ([[1, -2]], "row 0 is int64 \\[2\\], expected whole numbers from 0"),
        ([np.array([2**64 - 1], np.uint64)], "row 0 is uint64 \\[1\\], expected whole numbers from 0"),
        ([[2**31]], "row 0 is int64 \\[1\\], expected whole numbers from 0"),
        ([[1, 2], [0.5]], "row 1 is float64"),
        ([[[1], [2]]], "row 0 is int64 \\[2, 1\\]"),
        ([[7] * 513], "row 0 has 513 token ids, at most 512 are allowed"),
        ([[1, 2], [[1], [2, 3]]], "row 1 is not a list of token ids"),
    ],
)
def test_what_is_no_row_of_ids(splade_bundle: Path, rows: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        LocalEncoder(splade_bundle).encode_token_ids(rows)


def test_an_id_that_the_model_does_not_have(splade_bundle: Path, idf_bundle: Path) -> None:
    for bundle, route in ((splade_bundle, "document"), (idf_bundle, "query")):
        with pytest.raises(BundleError):
            LocalEncoder(bundle).encode_token_ids([np.array([101, 10**6, 102])], route)


def test_a_route_that_is_none(splade_bundle: Path) -> None:
    with pytest.raises(BundleError, match="has no route 'title', it has: document, query"):
        LocalEncoder(splade_bundle).encode_token_ids([[1]], "title")
