"""The formats by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_client.formats import jsonl, npz, parquet
from sparse_client.formats.encoded import Encoded


@dataclass(frozen=True, slots=True)
class Space:
    """What a format may need to know of the vectors.

    Attributes:
        dimension: Size of the vector space, None where a server does not tell.
    """

    dimension: int | None


@dataclass(frozen=True, slots=True)
class Format:
    """How vectors are written.

    Attributes:
        suffix: How the names of its files end.
        write: Writes a file; gets its path, the texts, at least one, and the space of their vectors.
    """

    suffix: str
    write: Callable[[Path, Sequence[Encoded], Space], None]


FORMATS = {
    "jsonl": Format(".jsonl", lambda path, rows, _: jsonl.write(path, rows)),
    "npz": Format(".npz", lambda path, rows, space: npz.write(path, rows, space.dimension)),
    "parquet": Format(".parquet", lambda path, rows, _: parquet.write(path, rows)),
}
