"""Ways to quantize a graph side by side: speed, size, distance from fp32, and whether neighbours change a text.

Our own graphs against what ONNX Runtime's tools make of our fp32 graph; ranges are calibrated on WordNet's glosses.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime
from rich.console import Console
from rich.table import Table

import quantizers
from encode import bundle_path, export, find_checkpoint
from passages import passages
from sparse_client.bundle.facts import Distance, Route
from sparse_client.bundle.outputs import from_sparse
from sparse_client.bundle.processor import exact_products
from sparse_client.bundle.reader import open_bundle
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.vectors import SparseVector
from sparse_export.parity import promise

OURS, VNNI = "int8, a scale per token (ours)", "int8-vnni"
COLUMNS = ("quantization", "docs/s", "ratio", "MB", "mean cosine", "worst", "top-64 overlap", "alone to batched")
Tokens = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """A quantization: which of our graphs it starts from, and what it does to it; None keeps it."""

    source: str
    change: Callable[[Path, Path, quantizers.Batches], None] | None = None


WAYS = {
    "fp32 (ours)": Way("fp32"),
    OURS: Way("int8"),
    "int8 --cpu vnni (ours), made exact": Way(VNNI),
    "int8, calibrated, our graph": Way("int8", quantizers.ours_static),
    "int8, stock dynamic": Way("fp32", quantizers.stock_dynamic),
    "int8, stock static (QDQ)": Way("fp32", quantizers.stock_static),
    "weights of 8 bits": Way("fp32", quantizers.weights_only(8)),
    "weights of 4 bits": Way("fp32", quantizers.weights_only(4)),
}


def main() -> None:
    options = _parse_options()
    checkpoint = find_checkpoint(options.model)
    for precision in ("fp32", "int8", VNNI):
        export(checkpoint, options.model, precision, reuse=True)
    bundle = bundle_path(options.model, "fp32")
    route = open_bundle(bundle).manifest.routes["document"]
    tokenizer = RouteTokenizer(bundle, route)
    with tempfile.TemporaryDirectory() as folder:
        sessions, sizes = {}, {}
        for name in WAYS:
            path = _quantize(name, options, route, Path(folder), _batches(tokenizer, passages(64, 30, seed=7), 8))
            sizes[name] = sum(file.stat().st_size for file in path.parent.glob("document.onnx*")) / 1e6
            sessions[name] = _open(path, options.threads, exact=WAYS[name].source == VNNI and not exact_products())
        texts = passages(options.texts, options.words)
        speeds = _speeds(sessions, _batches(tokenizer, texts, options.batch_size), options)
    _print(options, sizes, speeds, {name: _fidelity(sessions, name, tokenizer, texts[:64]) for name in WAYS})


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--model", choices=("splade-tiny", "distilbert-size"), default="splade-tiny")
    parser.add_argument("--texts", type=int, default=64, help="passages encoded in a round")
    parser.add_argument("--words", type=int, default=90, help="mean length of a passage")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _batches(tokenizer: RouteTokenizer, texts: list[str], size: int) -> Tokens:
    rows = sorted(tokenizer.ids(texts), key=len, reverse=True)
    return [tokenizer.pad(rows[start : start + size]) for start in range(0, len(rows), size)]


def _quantize(name: str, options: Any, route: Route, folder: Path, batches: Tokens) -> Path:
    """Return the path of a graph, made from calibration batches where it needs some."""
    way = WAYS[name]
    source = bundle_path(options.model, way.source) / route.graph
    if way.change is None:
        return source
    target = folder / str(list(WAYS).index(name)) / "document.onnx"
    target.parent.mkdir()
    way.change(source, target, batches)
    return target


def _open(path: Path, threads: int, exact: bool) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.enable_mem_pattern = False
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 3
    if exact:
        settings.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])


def _speeds(sessions: dict[str, onnxruntime.InferenceSession], batches: Tokens, options: Any) -> dict[str, float]:
    """Return texts a second of each session in its best round; the rounds alternate."""
    # What one thread computes while others want the processor is seen best in its own time.
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(options.rounds):
        for name, session in sessions.items():
            start = clock()
            for batch in batches:
                session.run(None, batch)
            taken[name].append(clock() - start)
    return {name: options.texts / min(times) for name, times in taken.items()}


def _fidelity(
    sessions: dict[str, onnxruntime.InferenceSession], name: str, tokenizer: RouteTokenizer, texts: list[str]
) -> tuple[Distance, Distance]:
    """Compare a graph with fp32, text by text, and with itself on a batch of very different lengths."""
    rows = [row[: max(4, len(row) // (1 + position % 8))] for position, row in enumerate(tokenizer.ids(texts))]
    expected, alone = ([_run(sessions[way], tokenizer.pad([row]))[0] for row in rows] for way in ("fp32 (ours)", name))
    batched = _run(sessions[name], tokenizer.pad(rows))
    return promise.compare(expected, alone), promise.compare(alone, batched)


def _run(session: onnxruntime.InferenceSession, batch: dict[str, Any]) -> list[SparseVector]:
    names = ["indices", "values"]
    return from_sparse(dict(zip(names, session.run(names, batch), strict=True)), None)


def _print(options: Any, sizes: dict[str, float], speeds: dict[str, float], fidelity: dict[str, Any]) -> None:
    table = Table(
        title=f"{options.model}, {options.words} words, batch {options.batch_size}, {options.threads} threads"
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right")
    for name, (to_fp32, to_itself) in fidelity.items():
        table.add_row(
            name,
            f"{speeds[name]:.1f}",
            f"{speeds[name] / speeds[OURS]:.2f}x",
            f"{sizes[name]:.1f}",
            f"{to_fp32.mean_cosine:.5f}",
            f"{to_fp32.worst_cosine:.4f}",
            f"{to_fp32.overlap:.3f}",
            f"{to_itself.max_difference:.0e}",
        )
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    Console(width=None if sys.stdout.isatty() else 130).print(table)


if __name__ == "__main__":
    main()
