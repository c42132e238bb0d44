"""Mine a data set with a model: load, encode, search, write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sentence_transformers import CrossEncoder, SparseEncoder

from sparse_client.errors import one_line
from sparse_client.replace import replacing
from sparse_train.data.checks import check_rows
from sparse_train.data.load import load_dataset
from sparse_train.errors import DataError, ModelError, OutputError
from sparse_train.mining.hard_negatives import Mined, MiningOptions, Score, Texts, mine, rows_of
from sparse_train.recipe.schema import Component, Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What to mine, and with what.

    Attributes:
        model: folder or hub id of the SparseEncoder that ranks.
        data: queries and their answers in the first two columns.
        corpus: more documents, None for the answers alone.
        cross_encoder: folder or hub id of a model whose scores decide about margins, None for the dot products.
    """

    model: str
    data: Dataset
    corpus: Dataset | None = None
    cross_encoder: str | None = None


PAIRS = Component("SparseMultipleNegativesRankingLoss", {})
"""The loss whose rows are what can be mined: a query and its answer."""


def mine_dataset(sources: Sources, output: Path, options: MiningOptions) -> tuple[int, int]:
    """Write a data set with negatives as JSON lines; return the numbers of pairs and of rows written.

    Raises:
        DataError: the data cannot be read, or its first two columns are no texts.
        ModelError: a model cannot be loaded.
        OutputError: the file cannot be written.
    """
    rows = load_dataset(sources.data, "--data")
    check_rows(rows, PAIRS, "--data")
    columns = (rows.column_names[0], rows.column_names[1])
    texts = Texts(list(zip(rows[columns[0]], rows[columns[1]], strict=True)), _documents(sources.corpus))
    encoder = _load(SparseEncoder, sources.model, "--model")
    rescore = None if sources.cross_encoder is None else _cross_encoder(sources.cross_encoder)
    queries = encode(encoder.encode_query, texts.queries())
    documents = encode(encoder.encode_document, texts.documents())
    pairs = written = 0
    try:
        with replacing(output) as new, new.open("w", encoding="utf-8") as file:
            for mined in mine(texts, queries, documents, options, rescore):
                pairs += 1
                written += _write(file, mined, options, columns)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {one_line(error)}") from error
    return pairs, written


def encode(encode_texts: Any, texts: Sequence[str], block: int = 1024) -> csr_matrix:
    """Return sparse vectors, float32 `[len(texts), dimension]`, dense in blocks only.

    Args:
        encode_texts: `encode_query` or `encode_document` of a SparseEncoder.
        texts: what to encode.
        block: texts whose vectors torch holds at once.
    """
    parts = []
    for start in range(0, len(texts), block):
        vectors = encode_texts(list(texts[start : start + block]), show_progress_bar=False).coalesce().cpu()
        rows, columns = vectors.indices().numpy()
        parts.append(csr_matrix((vectors.values().float().numpy(), (rows, columns)), shape=tuple(vectors.shape)))
    return vstack(parts, format="csr", dtype=np.float32)


def _write(file: Any, mined: Mined, options: MiningOptions, columns: tuple[str, str]) -> int:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows_of(mined, options, columns)]
    file.writelines(f"{line}\n" for line in lines)
    return len(lines)


def _documents(corpus: Dataset | None) -> list[str]:
    if corpus is None:
        return []
    rows = load_dataset(corpus, "--corpus")
    name = "text" if "text" in rows.column_names else rows.column_names[0]
    documents = list(rows[name])
    if not all(isinstance(text, str) for text in documents):
        raise DataError(f"--corpus: the column {name!r} holds something other than text.")
    return documents


def _cross_encoder(name: str) -> Score:
    judge = _load(CrossEncoder, name, "--cross-encoder")

    def score(query: str, texts: Sequence[str]) -> Sequence[float]:
        return judge.predict([(query, text) for text in texts], show_progress_bar=False).tolist()

    return score


def _load(kind: Any, name: str, option: str) -> Any:
    try:
        return kind(name)
    except Exception as error:  # files, hub and configurations: each library has exceptions of its own
        raise ModelError(f"{option}: {name} cannot be loaded: {one_line(error)}") from error
