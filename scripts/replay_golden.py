"""Replay the golden vectors of bundles by their token ids; needs numpy and onnxruntime alone, whatever the Python.

    PYTHONPATH=clients/python python scripts/replay_golden.py [--vectors] [--every N] BUNDLE...

Loads every graph, and prints a JSON object a bundle and route: how far the graph is from PyTorch for each text alone
and in padded batches, what it misses of its promise, and how much a weight differs between the two; with --vectors the
vectors as well, those of texts alone first. A bundle that fails gives an object with `error`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from sparse_client.bundle.outputs import OUTPUTS
from sparse_client.bundle.reader import Bundle, open_bundle
from sparse_client.bundle.sessions import Sessions
from sparse_client.parity.distance import distance
from sparse_client.parity.golden import Golden, promise, read_golden
from sparse_client.vectors import SparseVector

BATCH = 8


def replay(bundle: Bundle, sessions: Any, every: int = 1) -> list[dict[str, Any]]:
    """Return a report for each route that has golden vectors; of two that have the same, for the first.

    Args:
        bundle: The bundle.
        sessions: What runs its graphs: `Sessions`, or a stand-in with its `run`.
        every: Replay only the middle one of so many vectors of a route.
    """
    by_route: dict[str, list[Golden]] = {}
    for golden in read_golden(bundle):
        by_route.setdefault(golden.route, []).append(golden)
    distinct: dict[str, str] = {}
    for route, vectors in by_route.items():
        ids = [one.input_ids or one.embedding for one in vectors]
        distinct.setdefault(json.dumps([bundle.manifest.routes[route].graph, ids]), route)
    return [report(bundle, sessions, route, by_route[route][every // 2 :: every]) for route in distinct.values()]


def report(bundle: Bundle, sessions: Any, route: str, golden: list[Golden]) -> dict[str, Any]:
    """Run the graph of a route and compare it with PyTorch and with itself."""
    alone = [vector for one in golden for vector in run(bundle, sessions, route, [one])]
    batches = [golden[start : start + BATCH] for start in range(0, len(golden), BATCH)]
    padded = [vector for batch in batches for vector in run(bundle, sessions, route, batch)]
    expected, promised = [one.vector for one in golden], promise(bundle, route)
    compared = bundle.manifest.routes[route].precision, bundle.manifest.max_active_dims
    found = {way: distance(expected, vectors, *compared) for way, vectors in (("alone", alone), ("padded", padded))}
    return {
        "route": route,
        **{way: figures(one) for way, one in found.items()},
        "misses": [f"{way}: {miss}" for way, one in found.items() for miss in one.misses(promised)],
        "neighbours": distance(alone, padded, *compared).max_difference,
        "vectors": [[vector.indices.tolist(), vector.values.tolist()] for vector in (*alone, *padded)],
    }


def figures(found: Any) -> dict[str, float]:
    """Return the fields of a distance."""
    return {name: getattr(found, name) for name in type(found).__dataclass_fields__}


def run(bundle: Bundle, sessions: Any, route: str, golden: list[Golden]) -> list[SparseVector]:
    """Encode golden texts as one batch."""
    wanted, to_vectors = OUTPUTS[bundle.manifest.output]
    return to_vectors(sessions.run(bundle.manifest.routes[route].graph, inputs(bundle, route, golden), wanted), None)


def inputs(bundle: Bundle, route: str, golden: list[Golden]) -> dict[str, Any]:
    """Return what the graph takes: padded token ids and their mask, or dense embeddings."""
    if bundle.manifest.input_dim is not None:
        return {"embedding": np.array([one.embedding for one in golden], np.float32)}
    settings = json.loads((bundle.path / str(bundle.manifest.routes[route].tokenizer)).read_bytes())["padding"]
    width = max(1, *(len(one.input_ids) for one in golden))
    ids = np.full((len(golden), width), settings["pad_id"], np.int64)
    mask = np.zeros_like(ids)
    for row, one in enumerate(golden):
        count = len(one.input_ids)
        ids[row, :count], mask[row, :count] = one.input_ids, 1
    return {"input_ids": ids, "attention_mask": mask}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    parser.add_argument("--vectors", action="store_true", help="print the vectors too")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="replay the middle one of N golden vectors")
    options = parser.parse_args()
    for path in options.bundles:
        known = {"bundle": path.name, "onnxruntime": onnxruntime.__version__}
        try:
            bundle = open_bundle(path)
            # One thread: those of an emulated processor wait for each other longer than they compute.
            sessions = Sessions(bundle, threads=1)
            for name in sorted(bundle.manifest.files):
                if name.endswith(".onnx"):
                    sessions.outputs(name)
            reports = replay(bundle, sessions, options.every)
        except Exception as error:  # whatever it is, it is a row of the table
            reports = [{"route": "all", "error": f"{type(error).__name__}: {error}"}]
        for one in reports:
            shown = {name: value for name, value in one.items() if name != "vectors" or options.vectors}
            print(json.dumps({**known, **shown}))


if __name__ == "__main__":
    main()
