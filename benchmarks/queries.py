"""One query at a time through an inference-free bundle: the look-up of the query route against the document graph.

Every call is timed from text to vector, tokenizing included. The two routes take turns, so that a busy machine slows
both down, but some hundred calls at a time: a graph's threads spin for a while after a run.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from sparse_client import LocalEncoder

# Eight words each.
QUERIES = (
    "how do solar panels work in cold weather",
    "best way to learn violin as an adult",
    "why does bread rise when it is baked",
    "which train goes to the museum on sunday",
    "what is the largest whale in the sea",
    "symptoms of vitamin deficiency in older patients today",
    "when did the volcano near the city erupt",
    "law about noise from bars late at night",
)
TURNS = 5


def main() -> None:
    options = _parse_options()
    table = Table(title="One query of 8 words, text to vector, in microseconds")
    for column in ("bundle", "query p50", "query p99", "document p50", "document p99", "ratio of p50"):
        table.add_column(column, justify="left" if column == "bundle" else "right")
    for bundle in options.bundles:
        encoder = LocalEncoder(bundle, threads=options.threads)
        query, document = measure(encoder, options.rounds)
        figures = [np.percentile(times, rank) for times in (query, document) for rank in (50, 99)]
        table.add_row(bundle.name, *(f"{figure:.0f}" for figure in figures), f"{figures[2] / figures[0]:.0f}x")
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="that sparse-export wrote")
    parser.add_argument("--rounds", type=int, default=40, help="calls for each of the 8 queries, route and turn")
    parser.add_argument("--threads", type=int, help="of the document graph; without it ONNX Runtime's default")
    return parser.parse_args()


def measure(encoder: LocalEncoder, rounds: int) -> tuple[list[float], list[float]]:
    """Return the microseconds of every call: of the query route, of the document route."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for encode, taken in zip((encoder.encode_queries, encoder.encode_documents), times, strict=True):
            for text in QUERIES:  # pays for lazy set-up, and lets the threads of the other route fall asleep
                encode([text])
            taken += [_timed(encode, text) for _ in range(rounds) for text in QUERIES]
    return times


def _timed(encode: Callable[[list[str]], Any], text: str) -> float:
    start = time.perf_counter_ns()
    encode([text])
    return (time.perf_counter_ns() - start) / 1000


if __name__ == "__main__":
    main()
