"""The formats by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparse_client.formats import impacts, jsonl, milvus, npz, parquet, pgvector, qdrant, vespa
from sparse_client.formats.bulk import Bulk
from sparse_client.formats.encoded import Encoded
from sparse_client.formats.space import Space
from sparse_client.vectors import SparseVector

_OPENSEARCH, _ELASTICSEARCH = Bulk("OpenSearch"), Bulk("Elasticsearch")


@dataclass(frozen=True, slots=True)
class Format:
    """How vectors are written for a reader.

    Attributes:
        suffix: How the names of its files end.
        write: Writes a file of texts, at least one.
        schema: Returns what makes the index, table or collection of a name; None where there is nothing to make.
        query: Returns a search there for so many texts; None where the reader searches in ways of its own.
        whole: Its weights are impacts, whole numbers.
    """

    suffix: str
    write: Callable[[Path, Sequence[Encoded], Space], None]
    schema: Callable[[Space, str], str] | None = None
    query: Callable[[SparseVector, Space, str, int], str] | None = None
    whole: bool = False


FORMATS = {
    "anserini": Format(".jsonl", impacts.write_anserini, impacts.anserini_schema, impacts.anserini_query, True),
    "elasticsearch": Format(".ndjson", _ELASTICSEARCH.write, _ELASTICSEARCH.schema, _ELASTICSEARCH.query),
    "jsonl": Format(".jsonl", jsonl.write),
    "milvus": Format(".json", milvus.write, milvus.schema, milvus.query),
    "npz": Format(".npz", npz.write),
    "opensearch": Format(".ndjson", _OPENSEARCH.write, _OPENSEARCH.schema, _OPENSEARCH.query),
    "parquet": Format(".parquet", parquet.write),
    "pgvector": Format(".tsv", pgvector.write, pgvector.schema, pgvector.query),
    "qdrant": Format(".json", qdrant.write, qdrant.schema, qdrant.query),
    "seismic": Format(".jsonl", impacts.write_seismic, None, impacts.seismic_query),
    "vespa": Format(".jsonl", vespa.write, vespa.schema, vespa.query),
}
