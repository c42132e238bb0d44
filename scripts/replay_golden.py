"""Replay the golden vectors of bundles by their token ids; needs numpy and onnxruntime alone, whatever the Python.

    PYTHONPATH=clients/python python scripts/replay_golden.py [--every N] BUNDLE...

Prints a JSON object a bundle and route: how far the graph is from PyTorch for each text alone and in padded batches,
and how much a weight differs between the two. A bundle that fails gives an object with `error`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from sparse_client.bundle import Bundle, open_bundle
from sparse_client.distance import distance
from sparse_client.outputs import OUTPUTS
from sparse_client.sessions import Sessions
from sparse_client.vectors import SparseVector
from sparse_client.verification import Golden, read_golden

BATCH = 8


def replay(bundle: Bundle, sessions: Any, every: int = 1) -> list[dict[str, Any]]:
    """Return a report for each route that has golden vectors.

    Args:
        bundle: The bundle.
        sessions: What runs its graphs: `Sessions`, or a stand-in with its `run`.
        every: Replay only the middle one of so many vectors.
    """
    by_route: dict[str, list[Golden]] = {}
    for golden in list(read_golden(bundle))[every // 2 :: every]:
        by_route.setdefault(golden.route, []).append(golden)
    return [report(bundle, sessions, route, vectors) for route, vectors in by_route.items()]


def report(bundle: Bundle, sessions: Any, route: str, golden: list[Golden]) -> dict[str, Any]:
    """Run the graph of a route and compare it with PyTorch and with itself."""
    alone = [vector for one in golden for vector in run(bundle, sessions, route, [one])]
    batches = [golden[start : start + BATCH] for start in range(0, len(golden), BATCH)]
    padded = [vector for batch in batches for vector in run(bundle, sessions, route, batch)]
    expected = [one.vector for one in golden]
    limit = bundle.max_active_dims
    return {
        "route": route,
        "alone": figures(distance(expected, alone, limit)),
        "padded": figures(distance(expected, padded, limit)),
        "neighbours": distance(alone, padded, limit).max_difference,
    }


def figures(found: Any) -> dict[str, float]:
    """Return the fields of a distance."""
    return {name: getattr(found, name) for name in type(found).__dataclass_fields__}


def run(bundle: Bundle, sessions: Any, route: str, golden: list[Golden]) -> list[SparseVector]:
    """Encode golden texts as one batch."""
    wanted, to_vectors = OUTPUTS[bundle.output]
    return to_vectors(sessions.run(bundle.routes[route].graph, inputs(bundle, route, golden), wanted), None)


def inputs(bundle: Bundle, route: str, golden: list[Golden]) -> dict[str, Any]:
    """Return what the graph takes: padded token ids and their mask, or dense embeddings."""
    if bundle.input_dim is not None:
        return {"embedding": np.array([one.embedding for one in golden], np.float32)}
    settings = json.loads((bundle.path / bundle.routes[route].tokenizer).read_bytes())["padding"]
    width = max(1, *(len(one.input_ids) for one in golden))
    ids = np.full((len(golden), width), settings["pad_id"], np.int64)
    mask = np.zeros_like(ids)
    for row, one in enumerate(golden):
        count = len(one.input_ids)
        filled = slice(width - count, width) if settings["direction"] == "Left" else slice(0, count)
        ids[row, filled], mask[row, filled] = one.input_ids, 1
    return {"input_ids": ids, "attention_mask": mask}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="replay the middle one of every N golden vectors")
    options = parser.parse_args()
    for path in options.bundles:
        known = {"bundle": path.name, "onnxruntime": onnxruntime.__version__}
        try:
            bundle = open_bundle(path)
            # One thread: those of an emulated processor wait for each other longer than they compute.
            reports = replay(bundle, Sessions(bundle, threads=1), options.every)
        except Exception as error:  # whatever it is, it is a row of the table
            reports = [{"error": f"{type(error).__name__}: {error}"}]
        for one in reports:
            print(json.dumps({**known, **one}))


if __name__ == "__main__":
    main()
