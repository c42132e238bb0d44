"""Parquet: `id`, `indices` list<int32>, `values` list<float32>, and `dense` where it was asked for."""

from collections.abc import Sequence
from pathlib import Path

from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space


def write(path: Path, rows: Sequence[Encoded], _space: Space) -> None:
    """Write a file."""
    import pyarrow
    import pyarrow.parquet

    columns = {
        "id": pyarrow.array([row.id for row in rows], pyarrow.string()),
        "indices": pyarrow.array([row.vector.indices for row in rows], pyarrow.list_(pyarrow.int32())),
        "values": pyarrow.array([row.vector.values for row in rows], pyarrow.list_(pyarrow.float32())),
    }
    if rows[0].dense is not None:
        columns["dense"] = pyarrow.array([row.dense for row in rows], pyarrow.list_(pyarrow.float32()))
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")
