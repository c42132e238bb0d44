"""Load the data of a recipe: hub ids, files, databases; columns selected, renamed and in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparse_client.errors import one_line
from sparse_train.errors import DataError
from sparse_train.recipe.schema import Dataset

BUILDERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}),
    ".json": ("json", {}),
    ".jsonl": ("json", {}),
    ".parquet": ("parquet", {}),
    ".arrow": ("arrow", {}),
}
"""Which reader of `datasets` reads a file, by its suffix."""


def load_dataset(dataset: Dataset, path: str) -> Any:
    """Return a `datasets.Dataset` with the columns that a recipe names.

    Args:
        dataset: what the recipe says.
        path: where it says so, for errors.

    Raises:
        DataError: it cannot be read, has no rows, or lacks a column.
    """
    try:
        rows = _resolve(_limit(_load(dataset), dataset.limit), dataset)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # hub, file system, parsers, databases: each has exceptions of its own
        raise DataError(f"{path}: {dataset.source} cannot be read: {one_line(error)}") from error
    if not len(rows):
        raise DataError(f"{path}: {dataset.source} has no rows.")
    return _select_columns(rows, dataset, path)


def _load(dataset: Dataset) -> Any:
    import datasets

    if dataset.sql is not None:
        return datasets.Dataset.from_sql(dataset.sql, dataset.source)
    location = Path(dataset.source)
    if (location / "state.json").is_file():
        return datasets.load_from_disk(str(location))
    suffix = location.suffix.lower()
    if suffix in BUILDERS:
        if not location.is_file() and "*" not in dataset.source:  # a glob is the reader's to expand
            raise DataError(f"there is no file {dataset.source}.")
        builder, options = BUILDERS[suffix]
        return datasets.load_dataset(builder, data_files=dataset.source, split=dataset.split, **options)
    if location.is_file():
        raise DataError(f"{dataset.source}: a file must end in {', '.join(BUILDERS)}.")
    options = {"name": dataset.subset, "split": dataset.split, "revision": dataset.revision}
    return datasets.load_dataset(dataset.source, **options)


def _limit(rows: Any, limit: int | None) -> Any:
    return rows if limit is None else rows.select(range(min(limit, len(rows))))


def _resolve(rows: Any, dataset: Dataset) -> Any:
    """Put texts in place of ids."""
    if not dataset.resolve:
        return rows
    from sentence_transformers.util import resolve_ids

    sources = {(way.source, way.subset, way.split): way for way in dataset.resolve.values()}
    loaded = {
        place: _load(Dataset(source=way.source, subset=way.subset, split=way.split)) for place, way in sources.items()
    }
    texts: dict[str, Any] = {
        column: (loaded[way.source, way.subset, way.split], way.key, way.text)
        for column, way in dataset.resolve.items()
    }
    return rows.map(resolve_ids(texts), batched=True, remove_columns=list(texts))


def _select_columns(rows: Any, dataset: Dataset, path: str) -> Any:
    columns = dataset.columns
    if columns is None:
        return rows
    names = columns if isinstance(columns, dict) else {name: name for name in columns}
    missing = [name for name in names.values() if name not in rows.column_names]
    if missing:
        has = ", ".join(rows.column_names)
        raise DataError(f"{path}.columns: {dataset.source} has no column {', '.join(missing)}; it has {has}.")
    return rows.select_columns(list(names.values())).rename_columns(
        {old: new for new, old in names.items() if new != old}
    )
