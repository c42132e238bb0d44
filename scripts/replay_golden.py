"""Replay the golden vectors of bundles by their token ids; needs numpy and onnxruntime alone, whatever the Python.

    PYTHONPATH=clients/python python scripts/replay_golden.py [--vectors] BUNDLE...

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

from sparse_client.bundle import Bundle, open_bundle
from sparse_client.distance import distance
from sparse_client.outputs import OUTPUTS
from sparse_client.sessions import Sessions
from sparse_client.vectors import SparseVector
from sparse_client.verification import Golden, judge, read_golden

BATCH = 8


def replay(bundle: Bundle) -> list[dict[str, Any]]:
    """Return a report for each route that has golden vectors."""
    sessions = Sessions(bundle, threads=None)
    for name in sorted(bundle.files):
        if name.endswith(".onnx"):
            sessions.outputs(name)
    by_route: dict[str, list[Golden]] = {}
    for golden in read_golden(bundle):
        by_route.setdefault(golden.route, []).append(golden)
    return [report(bundle, sessions, route, vectors) for route, vectors in by_route.items()]


def report(bundle: Bundle, sessions: Sessions, route: str, golden: list[Golden]) -> dict[str, Any]:
    """Run the graph of a route and compare it with PyTorch and with itself."""
    alone = [vector for one in golden for vector in run(bundle, sessions, route, [one])]
    batches = [golden[start : start + BATCH] for start in range(0, len(golden), BATCH)]
    padded = [vector for batch in batches for vector in run(bundle, sessions, route, batch)]
    judged = {way: judge(bundle.path, {route: vectors}) for way, vectors in (("alone", alone), ("padded", padded))}
    promise = bundle.routes[route].precision, bundle.max_active_dims
    return {
        "route": route,
        **{way: figures(found.distances[route]) for way, found in judged.items()},
        "misses": [f"{way}: {miss}" for way, found in judged.items() for miss in found.misses],
        "neighbours": distance(alone, padded, *promise).max_difference,
        "vectors": [[vector.indices.tolist(), vector.values.tolist()] for vector in (*alone, *padded)],
    }


def figures(found: Any) -> dict[str, float]:
    """Return the fields of a distance."""
    return {name: getattr(found, name) for name in type(found).__dataclass_fields__}


def run(bundle: Bundle, sessions: Sessions, route: str, golden: list[Golden]) -> list[SparseVector]:
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
    parser = argparse.ArgumentParser(description="Replay the golden vectors of bundles.")
    parser.add_argument("--vectors", action="store_true", help="Print the vectors too.")
    parser.add_argument("bundles", nargs="+", type=Path)
    chosen = parser.parse_args()
    for path in chosen.bundles:
        known = {"bundle": path.name, "onnxruntime": onnxruntime.__version__}
        try:
            reports = replay(open_bundle(path))
        except Exception as error:  # whatever it is, it is a row of the table
            reports = [{"route": "all", "error": f"{type(error).__name__}: {error}"}]
        for one in reports:
            shown = {name: value for name, value in one.items() if name != "vectors" or chosen.vectors}
            print(json.dumps({**known, **shown}))


if __name__ == "__main__":
    main()
