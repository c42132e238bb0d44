"""Replay a bundle's golden vectors: does this client make of them what PyTorch made?"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparse_client.bundle.facts import Distance, Tolerance
from sparse_client.bundle.manifest import MANIFEST
from sparse_client.bundle.reader import Bundle
from sparse_client.errors import BundleError, InputError
from sparse_client.parity.distance import DENSE_TOLERANCES, TOLERANCES, dense_distance, distance
from sparse_client.vectors import SparseVector

GOLDEN = "golden.jsonl"
DENSE = ("embedding", "decoded", "dense")  # of Golden; only some bundles have them


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden vector.

    Attributes:
        route: `document` or `query`.
        text: The text, without the route's prompt.
        input_ids: Its token ids, prompt and special tokens included.
        vector: PyTorch's vector of it.
        embedding: float32 ``[width]``, what the graph takes where it takes dense embeddings instead of tokens.
        decoded: float32 ``[width]``, PyTorch's reconstruction of the vector, where dimensions are features.
        dense: float32 ``[width]``, PyTorch's dense embedding of the text, where the graph gives one.
    """

    route: str
    text: str
    input_ids: list[int]
    vector: SparseVector
    embedding: NDArray[np.float32] | None = None
    decoded: NDArray[np.float32] | None = None
    dense: NDArray[np.float32] | None = None

    def inputs(self) -> dict[str, NDArray[Any]]:
        """Return what the graph takes, as a batch of one."""
        if self.embedding is not None:
            return {"embedding": self.embedding[None]}
        ids = np.array([self.input_ids], np.int64).reshape(1, -1)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay found.

    Attributes:
        precision: The bundle's precision, which says how much may differ.
        distances: The distance from PyTorch by route.
        misses: What is not as it must be, one sentence each.
    """

    precision: str
    distances: Mapping[str, Distance]
    misses: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was missed."""
        return not self.misses


def golden_by_route(bundle: Bundle) -> dict[str, list[Golden]]:
    """Return the golden vectors of each route, in the order of the file.

    Raises:
        BundleError: If the precision is not known, or a route has none, though it is not documents' route under another
            name. In bundles of earlier versions documents stand for both then.
    """
    manifest = bundle.manifest
    for precision in (manifest.precision, *(route.precision for route in manifest.routes.values())):
        if precision not in TOLERANCES:
            raise BundleError(
                f"{bundle.path} has the precision {precision!r}, known are {', '.join(TOLERANCES)}: upgrade"
            )
    found: dict[str, list[Golden]] = {}
    for golden in read_golden(bundle):
        found.setdefault(golden.route, []).append(golden)
    for route, entry in manifest.routes.items():
        if route not in found and (route == "document" or entry != manifest.routes["document"]):
            raise BundleError(f"{bundle.path} has no golden vectors of the route {route!r}: export the bundle again")
    return found


def compare(
    bundle: Bundle,
    golden: Mapping[str, Sequence[Golden]],
    encoded: Mapping[str, Sequence[SparseVector]],
    ids: Mapping[str, Sequence[Sequence[int]]] | None = None,
    dense: Mapping[str, NDArray[np.float32]] | None = None,
) -> Report:
    """Compare what a client made of the golden texts with what PyTorch made of them.

    Args:
        bundle: The bundle.
        golden: What `golden_by_route` returned.
        encoded: The client's vectors of these texts, by route.
        ids: The client's token ids of them, None where it has none.
        dense: The client's dense embeddings of them, where the bundle gives some.

    Raises:
        BundleError: If every vector of a route is empty on both sides.
    """
    distances, misses = {}, bundle.manifest.contradictions()
    for route, vectors in encoded.items():
        expected, precision = golden[route], bundle.manifest.routes[route].precision
        misses += [f"{route}: {miss}" for miss in _contradictions(bundle, expected)]
        rows = [one.vector for one in expected]
        distances[route] = distance(rows, vectors, precision, bundle.manifest.max_active_dims)
        misses += [f"{route}: {miss}" for miss in distances[route].misses(promise(bundle, route))]
        if dense is not None:
            misses += [f"{route}: {miss}" for miss in _dense_misses(expected, dense[route], precision)]
        for one, own in zip(expected, (ids or {}).get(route, []), strict=False):
            if list(own) != one.input_ids:
                misses.append(f"{route}: other token ids than PyTorch's for {one.text[:40]!r}")
    return Report(bundle.manifest.precision, distances, tuple(misses))


def _contradictions(bundle: Bundle, golden: Sequence[Golden]) -> list[str]:
    """Return what PyTorch's vectors show to be wrong in the manifest, one sentence each."""
    largest = max((int(one.vector.indices.max()) for one in golden if len(one.vector)), default=0)
    most, limit = max(len(one.vector) for one in golden), bundle.manifest.max_active_dims
    found = []
    if largest >= bundle.manifest.dimension:
        found.append(f"PyTorch has the index {largest}, {MANIFEST} says dimension {bundle.manifest.dimension}")
    if limit is not None and most > limit:
        found.append(f"PyTorch has {most} active dimensions, {MANIFEST} says max_active_dims {limit}")
    return found


def _dense_misses(golden: Sequence[Golden], found: NDArray[np.float32], precision: str) -> list[str]:
    rows = [one.dense for one in golden if one.dense is not None]
    if len(rows) < len(golden):
        return [f"{GOLDEN} has no dense embeddings to compare with"]
    misses = dense_distance(rows, list(found), precision).misses(DENSE_TOLERANCES[precision])
    return [f"dense embeddings: {miss}" for miss in misses]


def promise(bundle: Bundle, route: str) -> Tolerance:
    """Return what the vectors of a route promise; where ranking was judged, to stay what they were found to be."""
    if bundle.manifest.tolerance is not None and bundle.manifest.routes[route].precision == "int8":
        return Tolerance(**asdict(bundle.manifest.tolerance))
    return TOLERANCES[bundle.manifest.routes[route].precision]


def read_golden(bundle: Bundle) -> Iterator[Golden]:
    """Yield the golden vectors of a bundle.

    Raises:
        BundleError: If there are none, or a line is not a golden vector.
    """
    path = bundle.path / GOLDEN
    if GOLDEN not in bundle.manifest.files:
        raise BundleError(f"{bundle.path} has no {GOLDEN}, so nothing can be replayed: export the bundle again")
    number = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                golden = _parsed(json.loads(line))
            except (InputError, KeyError, RecursionError, TypeError, ValueError) as error:
                raise BundleError(f"{path}, line {number} is not a golden vector ({error!r})") from error
            if golden.route not in bundle.manifest.routes:
                known = ", ".join(bundle.manifest.routes)
                raise BundleError(f"{path}, line {number} has the route {golden.route!r}, the bundle has {known}")
            yield golden
    if not number:
        raise BundleError(f"{path} is empty, so nothing can be replayed: export the bundle again")


def _parsed(fields: dict[str, Any]) -> Golden:
    route, text, ids = fields["route"], fields["text"], fields["input_ids"]
    if not (isinstance(route, str) and isinstance(text, str) and isinstance(ids, list)):
        raise TypeError("route and text must be texts, input_ids a list")
    dense = {name: np.array(fields[name], np.float32) for name in DENSE if name in fields}
    if any(array.ndim != 1 for array in dense.values()):
        raise TypeError(f"{' and '.join(DENSE)} must be lists of numbers")
    return Golden(route, text, ids, SparseVector(fields["indices"], fields["values"]), **dense)
