"""Where a bundle's document graph spends its time, and how near it comes to this machine's matrix products."""

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import onnxruntime
from rich.console import Console
from rich.table import Table

import gemm
from operators import Share, shares_of
from passages import passages
from resources import Stopwatch
from sparse_client.bundle.reader import open_bundle
from sparse_client.bundle.tokens import RouteTokenizer


def main() -> None:
    options = _parse_options()
    batches = make_batches(options.bundle, passages(options.texts, options.words), options.batch_size)
    shares = profile(options.bundle, batches, options.threads)
    console = Console()
    console.print(_operator_table(shares))
    peaks = _measure_peaks(console, shares, options.threads)
    _print_reached(console, shares, peaks, _best_pass(options, batches), batches)


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--words", type=int, default=90, help="mean length of a passage")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, help="without it ONNX Runtime's default")
    return parser.parse_args()


def make_batches(bundle: Path, texts: list[str], batch_size: int) -> list[dict[str, Any]]:
    """Tokenize and batch as LocalEncoder does, the longest texts first."""
    tokenizer = RouteTokenizer(bundle, open_bundle(bundle).manifest.routes["document"])
    rows = sorted(tokenizer.ids(texts), key=len, reverse=True)
    return [tokenizer.pad(rows[start : start + batch_size]) for start in range(0, len(rows), batch_size)]


def session_options(threads: int | None) -> onnxruntime.SessionOptions:
    """Return what LocalEncoder runs with."""
    options = onnxruntime.SessionOptions()
    options.enable_mem_pattern = False
    if threads:
        options.intra_op_num_threads = threads
    return options


def _open(bundle: Path, settings: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    graph = bundle / open_bundle(bundle).manifest.routes["document"].graph
    return onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])


def profile(bundle: Path, batches: list[dict[str, Any]], threads: int | None) -> list[Share]:
    """Return what each operator of a document graph took for some batches, most first."""
    with tempfile.TemporaryDirectory() as folder:
        settings = session_options(threads)
        settings.enable_profiling = True
        settings.profile_file_prefix = str(Path(folder, "profile"))
        session = _open(bundle, settings)
        for batch in batches:
            session.run(None, batch)
        return shares_of(Path(session.end_profiling()))


def _best_pass(options: Any, batches: list[dict[str, Any]]) -> tuple[float, float]:
    """Return seconds and other processes' cores for one pass without the profiler, the best of three."""
    session = _open(options.bundle, session_options(options.threads))
    session.run(None, batches[0])
    taken = []
    for _ in range(3):
        stopwatch = Stopwatch()
        for batch in batches:
            session.run(None, batch)
        taken.append(stopwatch.stop())
    return min(taken)


def _operator_table(shares: list[Share]) -> Table:
    table = Table(title="Operators of the document graph")
    for column in ("operator", "ms", "share", "calls", "GFLOP/s"):
        table.add_column(column, justify="left" if column == "operator" else "right")
    total = sum(share.seconds for share in shares)
    for share in shares:
        speed = f"{share.flops / share.seconds / 1e9:.0f}" if share.flops else ""
        row = (share.operator, f"{share.seconds * 1e3:.1f}", f"{share.seconds / total:.1%}", f"{share.calls}", speed)
        table.add_row(*row)
    return table


def _measure_peaks(console: Console, shares: list[Share], threads: int | None) -> dict[str, float]:
    """Print the speed of matrix products of this graph's sizes and return the best of each kind."""
    widths: Counter[int] = Counter()
    for share in shares:
        widths.update(share.flops_by_width)
    hidden = widths.most_common(1)[0][0]
    table = Table(title="ONNX Runtime's matrix products, constant weights, GFLOP/s")
    for column in ("rows x inner x columns", *gemm.KINDS):
        table.add_column(column, justify="right")
    peaks = dict.fromkeys(gemm.KINDS, 0.0)
    for product in gemm.products_for(hidden):
        speeds = {kind: gemm.measure(kind, product, session_options(threads)) for kind in gemm.KINDS}
        peaks = {kind: max(peaks[kind], speeds[kind]) for kind in gemm.KINDS}
        size = f"{product.rows} x {product.inner} x {product.columns}"
        table.add_row(size, *(f"{speed / 1e9:.0f}" for speed in speeds.values()))
    console.print(table)
    return peaks


def _print_reached(
    console: Console,
    shares: list[Share],
    peaks: dict[str, float],
    best: tuple[float, float],
    batches: list[dict[str, Any]],
) -> None:
    seconds, others = best
    ideal = sum(share.flops / peaks[share.kind] for share in shares if share.flops)
    texts = sum(len(batch["input_ids"]) for batch in batches)
    used = sum(int(batch["attention_mask"].sum()) for batch in batches) / sum(b["input_ids"].size for b in batches)
    flops = sum(share.flops for share in shares)
    console.print(
        f"{texts / seconds:.1f} texts/s in the graph alone, {seconds * 1e3:.0f} ms a pass. The products with weights "
        f"({flops / 1e9:.1f} GFLOP) would take {ideal * 1e3:.0f} ms at the peak: [bold]{ideal / seconds:.1%} of the "
        f"peak[/bold], {ideal * used / seconds:.1%} without padding ({1 - used:.1%} of the tokens). "
        f"Other processes took {others:.1f} cores meanwhile."
    )


if __name__ == "__main__":
    main()
