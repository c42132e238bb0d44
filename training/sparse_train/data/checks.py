"""Check rows against the loss before training; an error shows the first rows and what is expected."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

from sparse_train.errors import DataError
from sparse_train.recipe.formats import LABEL_COLUMNS, Format, Labels, format_of
from sparse_train.recipe.schema import Component

BLOCK = 10_000
"""Rows looked at together, so that a large data set never lies in memory as Python objects."""


def check_rows(rows: Any, loss: Component, path: str) -> None:
    """Check a `datasets.Dataset` against the loss that will see it.

    Raises:
        DataError: number of text columns, labels, or a missing or empty value.
    """
    wanted = format_of(loss)
    labels = [name for name in rows.column_names if name in LABEL_COLUMNS]
    texts = [name for name in rows.column_names if name not in LABEL_COLUMNS]
    fault = _fault_of_columns(texts, labels, wanted) or next(_faults_of_values(rows, texts, labels, wanted), None)
    if fault:
        raise DataError(
            f"{path}: {fault} {loss.name} expects the columns: {wanted.meaning} ({wanted.labels.value}). "
            f"First rows: {_shown(rows)}."
        )


def check_router(rows: Any, mapping: Any, name: str, path: str) -> None:
    """Check that a router mapping covers every column of text.

    Raises:
        DataError: a column has no route, or an unknown one.
    """
    nested = bool(mapping) and all(isinstance(value, dict) for value in mapping.values())
    routes = mapping.get(name, {}) if nested else mapping
    for column in rows.column_names:
        if column in LABEL_COLUMNS:
            continue
        if routes.get(column) not in ("query", "document"):
            raise DataError(
                f"{path}: training.router_mapping says {routes.get(column)!r} for the column {column!r}; "
                f"every column must be query or document. First rows: {_shown(rows)}."
            )


def _fault_of_columns(texts: list[str], labels: list[str], wanted: Format) -> str | None:
    if len(labels) > 1:
        return f"There are {len(labels)} label columns ({', '.join(labels)}), where one is used."
    if labels and wanted.labels is Labels.NONE:
        return f"The label column {labels[0]!r} is not used; leave it out with the key columns."
    if not labels and wanted.labels is not Labels.NONE:
        return f"There is no label column; one of {', '.join(LABEL_COLUMNS)} is needed."
    if not wanted.least <= len(texts) <= (wanted.most or math.inf):
        return f"There are {len(texts)} columns of text ({', '.join(texts)})."
    return None


def _faults_of_values(rows: Any, texts: list[str], labels: list[str], wanted: Format) -> Iterator[str]:
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for name in texts:
            for number, text in enumerate(block[name], start):
                if not isinstance(text, str) or not text.strip():
                    kind = "empty" if isinstance(text, str) else f"{type(text).__name__} instead of text"
                    yield f"Row {number}, column {name!r} is {'missing' if text is None else kind}."
        for name in labels:
            for number, label in enumerate(block[name], start):
                if fault := _fault_of_label(label, len(texts), wanted):
                    yield f"Row {number}, column {name!r} {fault}."


def _fault_of_label(label: Any, texts: int, wanted: Format) -> str | None:
    if isinstance(label, list):
        lengths = {texts + more for more in wanted.lengths}
        if wanted.labels is Labels.NUMBER:
            return "is a list"
        if not label or not all(_is_number(value) for value in label):
            return "holds something that is not a number"
        if lengths and len(label) not in lengths:
            return f"has {len(label)} numbers, where {' or '.join(map(str, sorted(lengths)))} are needed"
        return None
    if not _is_number(label):
        return "is missing" if label is None else f"is {label!r}, which is not a number"
    return "is not a list" if wanted.labels is Labels.NUMBERS else None


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


def _shown(rows: Any) -> str:
    def short(value: Any) -> str:
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."

    some = rows[:2]
    lines = [{name: some[name][number] for name in some} for number in range(min(2, len(rows)))]
    return "; ".join("{" + ", ".join(f"{name}: {short(value)}" for name, value in line.items()) + "}" for line in lines)
