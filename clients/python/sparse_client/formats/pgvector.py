"""PostgreSQL with pgvector: text for COPY, whose vectors are `{1-based index:weight,...}/dimension`."""

from collections.abc import Iterable
from pathlib import Path

from sparse_client.errors import InputError
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space, numbers
from sparse_client.vectors import SparseVector

NON_ZEROS = 16_000  # of one sparsevec; an HNSW index takes no more than 1,000
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def literal(vector: SparseVector, space: Space) -> str:
    """Return a vector as PostgreSQL reads it.

    Raises:
        InputError: If it has more non-zeros than a sparsevec may have, or the dimension is not known.
    """
    if len(vector) > NON_ZEROS:
        raise InputError(f"{len(vector)} active dimensions, a sparsevec has at most {NON_ZEROS}: give --top")
    pairs = ",".join(
        f"{index + 1}:{value}" for index, value in zip(vector.indices.tolist(), numbers(vector), strict=True)
    )
    return f"{{{pairs}}}/{space.known_dimension()}"


def write(path: Path, rows: Iterable[Encoded], space: Space) -> None:
    """Write what `COPY name (id, vector) FROM STDIN` takes."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            if "\0" in row.id:
                raise InputError(f"the id {row.id!r} has a NUL, which PostgreSQL does not take: remove it")
            stream.write(f"{row.id.translate(_ESCAPED)}\t{literal(row.vector, space)}\n")


def schema(space: Space, name: str) -> str:
    """Return the statements that make the table."""
    return (
        "CREATE EXTENSION IF NOT EXISTS vector;\n"
        f"CREATE TABLE {name} (id text PRIMARY KEY, vector sparsevec({space.known_dimension()}));\n"
        f"COMMENT ON TABLE {name} IS 'bundle {space.bundle}';"
    )


def query(vector: SparseVector, space: Space, name: str, top: int) -> str:
    """Return an exact search; `<#>` is the negative dot product."""
    distance = f"vector <#> '{literal(vector, space)}'"
    return f"SELECT id, -({distance}) AS score FROM {name} ORDER BY {distance}, id LIMIT {top};"
