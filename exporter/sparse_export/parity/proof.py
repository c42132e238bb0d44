"""Prove a written graph against PyTorch: tokens, then vectors, alone and in padded batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from sparse_client.bundle.facts import Distance, Route
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.errors import SparseClientError
from sparse_client.parity.distance import DENSE_TOLERANCES, dense_distance
from sparse_client.parity.golden import Golden
from sparse_client.vectors import SparseVector
from sparse_export.checkpoint.chain import TABLE
from sparse_export.checkpoint.load import Checkpoint
from sparse_export.errors import BundleError, ParityError
from sparse_export.golden_texts import PADDED_TOKENS
from sparse_export.options import Precision
from sparse_export.parity import promise, reference
from sparse_export.parity.runtime import EncoderGraph

BATCH = 8
SPARSE, DENSE = ("alone", "padded"), ("dense_alone", "dense_padded")  # reports that a promise is about


@dataclass(frozen=True, slots=True)
class Batch:
    """A padded batch and what PyTorch makes of it.

    Attributes:
        inputs: `input_ids`, `attention_mask`, int64 `[batch, sequence]`, or `embedding`, float32 `[batch, dim]`.
        rows: PyTorch's vectors.
        dense: PyTorch's dense embeddings, where the graph gives some.
    """

    inputs: dict[str, np.ndarray]
    rows: list[SparseVector]
    dense: list[np.ndarray] | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """What the graph of a route is proven with.

    Attributes:
        golden: Texts encoded one by one.
        batches: The same texts in padded batches, neighbours of very different length; long texts alone.
        limit: `max_active_dims` of both sides.
    """

    golden: list[Golden]
    batches: list[Batch]
    limit: int | None

    def same_as(self, other: Samples) -> bool:
        """Tell whether PyTorch makes the same token ids and vectors of both, so that proving one proves the other."""
        return [_plain(vector) for vector in self.golden] == [_plain(vector) for vector in other.golden]


def text_samples(checkpoint: Checkpoint, route: str, texts: Sequence[str], with_dense: bool = False) -> Samples:
    """Encode texts with PyTorch, one by one and in padded batches; with dense embeddings, if asked for."""
    golden = reference.golden_vectors(checkpoint, route, texts, with_dense)
    batches = [_batch(checkpoint, route, some, with_dense) for some in _batches(golden)]
    return Samples(golden, batches, checkpoint.max_active_dims())


def embedding_samples(checkpoint: Checkpoint, route: str, texts: Sequence[str]) -> Samples:
    """As `text_samples`, for a graph that takes the dense embeddings of the texts."""
    golden = reference.embedding_vectors(checkpoint, route, texts)
    batches = []
    for start in range(0, len(golden), BATCH):
        some = golden[start : start + BATCH]
        inputs = {"embedding": np.concatenate([vector.inputs()["embedding"] for vector in some])}
        batches.append(Batch(inputs, [vector.vector for vector in some]))
    return Samples(golden, batches, checkpoint.max_active_dims())


def check_tokenizer(bundle: Path, route: Route, expected: Mapping[str, list[int]]) -> None:
    """Check that the tokenizer of a route, as the client reads it, gives sentence-transformers' token ids, by text.

    Raises:
        BundleError: The client cannot read it.
        ParityError: It differs for a text.
    """
    name = route.tokenizer or (route.python_tokenizer and route.python_tokenizer.name)
    try:
        rows = RouteTokenizer(bundle, route).ids(list(expected))
    except SparseClientError as error:
        raise BundleError(f"{error}.") from error
    for (text, wanted), row in zip(expected.items(), rows, strict=True):
        ids = row.tolist()
        if ids != wanted:
            raise ParityError(
                f"{name} gives {ids[:8]}... where sentence-transformers gives {wanted[:8]}... "
                f"for the text {text[:40]!r}."
            )


def prove(
    path: Path, samples: Mapping[str, Samples], precision: Precision, exact: bool = False
) -> dict[str, dict[str, Distance]]:
    """Run a written graph and compare it with PyTorch; `exact` as for `EncoderGraph`.

    Args:
        path: The graph.
        samples: By route, for each route that goes through the graph.
        precision: Of the graph.
        exact: As for `EncoderGraph`.

    Returns:
        By route the reports `alone`, `padded` and `neighbours`: a text alone and in its batch, both by the graph. Where
        there are dense embeddings, `dense_alone` and `dense_padded`, too.
    """
    graph = EncoderGraph(path, exact)
    return {route: _measure(graph, some, precision) for route, some in samples.items()}


def check(reports: dict[str, dict[str, Distance]], precision: Precision) -> None:
    """Check what `prove` found against the promise of the precision.

    Raises:
        ParityError: A report misses it.
    """
    prefix = {route: f"{route}, " if len(reports) > 1 else "" for route in reports}
    for names, tolerance in ((SPARSE, None), (DENSE, DENSE_TOLERANCES[precision])):
        found = {prefix[route] + name: by_name.get(name) for route, by_name in reports.items() for name in names}
        promise.check({name: report for name, report in found.items() if report is not None}, precision, tolerance)


def _batches(golden: Sequence[Golden]) -> Iterator[list[Golden]]:
    """Yield batches of neighbours; a long text is a batch of its own."""
    short = [vector for vector in golden if len(vector.input_ids) <= PADDED_TOKENS]
    yield from (short[start : start + BATCH] for start in range(0, len(short), BATCH))
    yield from ([vector] for vector in golden if len(vector.input_ids) > PADDED_TOKENS)


def _batch(checkpoint: Checkpoint, route: str, golden: Sequence[Golden], with_dense: bool) -> Batch:
    if len(golden) == 1:
        (one,) = golden
        return Batch(one.inputs(), [one.vector], None if one.dense is None else [one.dense])
    texts = [vector.text for vector in golden]
    # A look-up knows no neighbours, but in PyTorch padding of id 0 can erase a [PAD] that the text itself has: what the
    # text gives alone is right.
    alone = [vector.vector for vector in golden]
    rows = alone if checkpoint.head(route) == TABLE else reference.encode_batch(checkpoint, route, texts)
    dense = reference.dense_batch(checkpoint, route, texts) if with_dense else None
    return Batch(reference.token_batch(checkpoint, route, texts), rows, dense)


def _plain(vector: Golden) -> tuple[object, ...]:
    arrays = [None if array is None else array.tolist() for array in (vector.embedding, vector.dense)]
    return vector.input_ids, *arrays, vector.vector.indices.tolist(), vector.vector.values.tolist()


def _measure(graph: EncoderGraph, samples: Samples, precision: Precision) -> dict[str, Distance]:
    alone, dense_alone = _run(graph, [vector.inputs() for vector in samples.golden])
    padded, dense_padded = _run(graph, [batch.inputs for batch in samples.batches])
    expected = [row for batch in samples.batches for row in batch.rows]
    reports = {
        "alone": promise.compare([vector.vector for vector in samples.golden], alone, precision, samples.limit),
        "padded": promise.compare(expected, padded, precision, samples.limit),
        "neighbours": promise.compare(alone, padded, precision, samples.limit),
    }
    if dense_alone:
        pytorch = [[vector.dense for vector in samples.golden if vector.dense is not None]]
        pytorch.append([row for batch in samples.batches for row in batch.dense or ()])
        for name, expected_rows, found in zip(DENSE, pytorch, (dense_alone, dense_padded), strict=True):
            reports[name] = dense_distance(expected_rows, found, precision)
    return reports


def _run(graph: EncoderGraph, batches: Sequence[dict[str, np.ndarray]]) -> tuple[list[SparseVector], list[np.ndarray]]:
    """Return the vectors and the dense embeddings of all batches."""
    rows, dense = zip(*map(graph.run_hybrid, batches), strict=True)
    return list(chain.from_iterable(rows)), list(chain.from_iterable(dense))
