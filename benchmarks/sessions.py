"""Settings of an ONNX Runtime session, one changed at a time from what LocalEncoder runs with.

Passages a second, the median of a query alone, the processor time of a query that comes every 20 ms (threads that spin
show there), and peak memory after runs of mixed lengths. With `--batches`, the memory of LocalEncoder itself over a
long run instead.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from contender import Running, in_turns
from passages import passages
from resources import peak_memory, resident_memory

TOKENS = 1024  # of a run of passages, as in LocalEncoder
PAUSE = 0.02
QUERY = "how do solar panels work in cold weather"


@dataclass(frozen=True, slots=True)
class Setting:
    """What differs from LocalEncoder's session.

    Attributes:
        name: what the table calls it.
        entries: entries of the session's configuration.
        pattern: plan memory by shapes.
        arena: keep memory for the next run.
        exact: let the arena grow by what is asked for, not by powers of 2.
    """

    name: str
    entries: tuple[tuple[str, str], ...] = ()
    pattern: bool = False
    arena: bool = True
    exact: bool = False


SETTINGS = (
    Setting("LocalEncoder's"),
    Setting("no spinning", entries=(("session.intra_op.allow_spinning", "0"),)),
    Setting("memory pattern", pattern=True),
    Setting("no arena", arena=False),
    Setting("arena grows exactly", exact=True),
    Setting("weights not packed", entries=(("session.disable_prepacking", "1"),)),
)
COLUMNS = ("threads", "setting", "docs/s", "ratio", "query p50 ms", "ratio", "core ms a query", "peak MB")


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one setting; see the columns."""

    rate: float
    query_ms: float
    core_ms: float
    peak_mb: float


def main() -> None:
    options = _parse_options()
    if options.batches:
        watch_memory(options)
        return
    table = Table(title=f"{options.bundle.name}: passages of about 90 words, runs of up to {TOKENS} tokens")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "setting" else "right")
    for threads in options.threads:
        results = compete(threads, options)
        for setting, figures in results.items():
            table.add_row(str(threads), setting.name, *_cells(figures, results[SETTINGS[0]]))
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=64, help="passages in a round")
    parser.add_argument("--batches", type=int, metavar="N", help="encode N batches of 1 to 8 texts of 1 to 500 words")
    return parser.parse_args()


def compete(threads: int, options: Any) -> dict[Setting, list[Figures]]:
    """Measure all settings in turn, each in its own process, another one first each time."""
    shared = {"threads": threads, "bundle": str(options.bundle), "count": options.texts}
    processes = {
        setting: Running(setting.name, "sessions:prepare", shared | {"number": number})
        for number, setting in enumerate(SETTINGS)
    }
    taken = in_turns(processes, options.rounds)
    return {setting: [Figures(**one) for one in done] for setting, done in taken.items()}


def prepare(number: int, threads: int, bundle: str, count: int) -> Callable[[], dict[str, Any]]:
    """Load the graph of documents with a setting, by its number, and return what measures one round."""
    from sparse_client.bundle.reader import open_bundle
    from sparse_client.bundle.tokens import RouteTokenizer

    folder = Path(bundle)
    route = open_bundle(folder).manifest.routes["document"]
    tokenizer = RouteTokenizer(folder, route)
    session = _session(folder / route.graph, SETTINGS[number], threads)
    rows = sorted(tokenizer.ids(passages(count)), key=len, reverse=True)
    size = TOKENS // len(rows[0])
    batches = [tokenizer.pad(rows[start : start + size]) for start in range(0, count, size)]
    query = tokenizer.pad(tokenizer.ids([QUERY]))
    for length in random.Random(0).sample(range(3, 512), 60):  # mixed lengths, as a long-running process meets them
        session.run(None, tokenizer.pad([rows[0][:1].repeat(length)] * max(1, TOKENS // length)))

    def measure() -> dict[str, Any]:
        start = time.perf_counter()
        for batch in batches:
            session.run(None, batch)
        rate = count / (time.perf_counter() - start)
        taken = [_timed(lambda: session.run(None, query)) for _ in range(100)]
        before = time.process_time()
        for _ in range(50):
            session.run(None, query)
            time.sleep(PAUSE)
        core_ms = (time.process_time() - before) / 50 * 1e3
        return asdict(Figures(rate, statistics.median(taken) * 1e3, core_ms, peak_memory() * 1e3))

    return measure


def _session(graph: Path, setting: Setting, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads, options.intra_op_num_threads = 1, threads
    options.enable_mem_pattern, options.enable_cpu_mem_arena = setting.pattern, setting.arena
    for key, value in setting.entries:
        options.add_session_config_entry(key, value)
    if setting.exact:
        place = onnxruntime.OrtMemoryInfo(
            "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
        )
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1}))
        options.add_session_config_entry("session.use_env_allocators", "1")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _timed(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _cells(figures: list[Figures], reference: list[Figures]) -> tuple[str, ...]:
    rate, theirs = (max(one.rate for one in some) for some in (figures, reference))
    query, their_query = (min(one.query_ms for one in some) for some in (figures, reference))
    return (
        f"{rate:.1f}",
        f"{rate / theirs:.2f}x",
        f"{query:.2f}",
        f"{query / their_query:.2f}x",
        f"{min(one.core_ms for one in figures):.2f}",
        f"{figures[-1].peak_mb:.0f}",
    )


def watch_memory(options: Any) -> None:
    """Print the memory of a process that encodes batches of mixed lengths, at every tenth of the way."""
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(options.bundle, threads=options.threads[-1])
    words = passages(1, 4000)[0].split()
    generator = random.Random(0)
    print(f"{options.bundle.name}, {options.batches} batches of 1 to 8 texts of 1 to 500 words")
    start = time.perf_counter()
    for number in range(1, options.batches + 1):
        begins = [generator.randrange(len(words)) for _ in range(generator.randint(1, 8))]
        encoder.encode_documents([" ".join(words[at : at + generator.randint(1, 500)]) for at in begins])
        if number % max(1, options.batches // 10) == 0:
            seconds = time.perf_counter() - start
            print(f"{number:6d} batches {seconds:6.0f} s {resident_memory() * 1e3:7.1f} MB now", flush=True)
    print(f"{peak_memory() * 1e3:.1f} MB at most")


if __name__ == "__main__":
    main()
