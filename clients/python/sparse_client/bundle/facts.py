"""The parts of a manifest, as typed values; the fields have the names of manifest.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTokenizer:
    """A tokenizer without a fast form (tokenizer.json), which only Python can run.

    Attributes:
        name: Its class in transformers.
        folder: Its files, relative to the bundle.
        packages: What it needs besides transformers, as pip names it.
        pad_id: What shorter rows of a batch are filled with.
    """

    name: str
    folder: str
    packages: tuple[str, ...] = ()
    pad_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one kind of text (`document` or `query`) becomes a vector.

    Attributes:
        graph: File of the graph, relative to the bundle.
        tokenizer: File of the tokenizer, None where the graph takes dense embeddings or the tokenizer has no file.
        python_tokenizer: The tokenizer, where it has no fast form.
        prompt: Text put in front of every text.
        max_length: Tokens of a text, special tokens included; None for no limit.
        add_special_tokens: Whether the tokenizer adds tokens like [CLS].
        precision: The precision whose promise the vectors keep; `fp32` for a look-up, which has no product to round.
    """

    graph: str
    tokenizer: str | None = None
    python_tokenizer: PythonTokenizer | None = None
    prompt: str
    max_length: int | None = None
    add_special_tokens: bool = True
    precision: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of a bundle.

    Attributes:
        sha256: In hex.
        size: In bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What the vectors of a precision promise; None promises nothing of the kind."""

    max_difference: float | None = None
    mean_cosine: float | None = None
    worst_cosine: float | None = None
    overlap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """The distance between two lists of vectors of the same texts.

    Texts that are empty on both sides have nothing to compare: they count in `empty` and in no mean. A figure is None
    in bundles that were written before it was measured.

    Attributes:
        texts: Number of texts.
        empty: Texts whose vectors are empty on both sides.
        max_difference: Largest difference of a weight; ties at the cut are left out.
        cut_ties: Dimensions that only one side has because the other side's vector is full, and that weigh as much as
            the least weight which that vector kept, up to rounding. See `sparse_client.parity.distance`.
        mean_cosine: Mean cosine similarity of a text's two vectors.
        worst_cosine: Smallest cosine similarity.
        overlap: Mean share of PyTorch's k strongest dimensions that are among the client's k strongest: k is 64, or
            the number of dimensions that PyTorch has.
        stray: Dimensions active on one side only, with a weight that rounding does not explain, ties at the cut left
            out.
        reference_active: Mean number of active dimensions in PyTorch.
        active: Mean number of active dimensions of the client's vectors.
    """

    texts: int
    empty: int
    max_difference: float
    cut_ties: int | None = None
    mean_cosine: float
    worst_cosine: float
    overlap: float
    stray: int | None = None
    reference_active: float | None = None
    active: float | None = None

    def misses(self, tolerance: Tolerance) -> list[str]:
        """Return what is worse than it may be, one sentence each."""
        found = []
        if (most := tolerance.max_difference) is not None and not self.max_difference <= most:
            found.append(f"largest difference {self.max_difference:.2e} is above {most:.0e}")
        for name in ("mean_cosine", "worst_cosine", "overlap"):
            bar, value = getattr(tolerance, name), getattr(self, name)
            if bar is not None and not value >= bar:
                found.append(f"{name.replace('_', ' ')} {value:.4f} is below {bar}")
        return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the vectors of a bundle promise where ranking, not the vectors, decided."""

    mean_cosine: float
    worst_cosine: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Retrieval figures of one encoder on a collection.

    Attributes:
        ndcg_at_10: As trec_eval computes it, mean over the judged queries.
        recall_at_100: Likewise.
        query_active_dims: Mean number of weights that are not 0 in a query.
        document_active_dims: Likewise in a document.
        flops: Multiplications that a pair of query and document costs on average, as sentence-transformers counts.
    """

    ndcg_at_10: float
    recall_at_100: float
    query_active_dims: float
    document_active_dims: float
    flops: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut(Distance):
    """What held-out texts lose by pruning: `weight_dropped` is the share of their weight."""

    weight_dropped: float


@dataclass(frozen=True, slots=True)
class Pruning:
    """How the vocabulary was pruned.

    Attributes:
        kept: Columns kept.
        dropped: Columns dropped.
        share_dropped: Share of all columns.
        texts: Texts that chose the columns.
        min_count: A column is kept if it is active in at least so many texts.
        held_out: What other texts lose.
    """

    kept: int
    dropped: int
    share_dropped: float
    texts: int
    min_count: int
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class Autoencoder:
    """The sparse autoencoder of a csr bundle.

    Attributes:
        input_dim: Width of the dense embeddings.
        normalize: Whether it normalizes an embedding first.
        decodes_to: What decode.onnx gives, in words.
        dead_features: Features that no embedding activates.
    """

    input_dim: int
    normalize: bool = False
    decodes_to: str = "embedding"
    dead_features: int = 0


@dataclass(frozen=True, slots=True)
class Backbone:
    """The transformer: its `model_type`, and whether the project tests that type."""

    model_type: str
    tested: bool


@dataclass(frozen=True, slots=True)
class Host:
    """Where the graphs were compared with PyTorch: processor, machine and version of ONNX Runtime."""

    processor: str
    machine: str
    onnxruntime: str


@dataclass(frozen=True, slots=True)
class Source:
    """The checkpoint: hub id or folder name, revision, sha256 and size in bytes of the weights."""

    id: str
    revision: str | None
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """What a graph consists of.

    Attributes:
        inputs: Name, type and shape of each input.
        outputs: Likewise.
        operators: How often each operator occurs, most frequent first.
        weights: Bytes of the constants by type, most first.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: Mapping[str, int]
    weights: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerFacts:
    """How texts become states, and states weights; fields as in `Manifest`."""

    backbone: Backbone | None = None
    pooling: str | None = None
    activation: str | None = None
    autoencoder: Autoencoder | None = None
    dense_dim: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTower(TowerFacts):
    """The graph of queries, where a second transformer encodes them; fields as in `Manifest`."""

    in_float: tuple[str, ...] = ()
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    passes: Mapping[str, int] = field(default_factory=dict)
