"""How many tokens one run of a graph should have: what `RUN_TOKENS` of LocalEncoder rests on.

Text to vectors through LocalEncoder, every budget in its own process, the rounds alternating. The largest budget
lets batches of 32 texts through whole.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from contender import Round, Running, in_turns
from passages import passages
from resources import Stopwatch, peak_memory

WHOLE = 32 * 512


def main() -> None:
    options = _parse_options()
    table = Table(title=f"Text to vectors by tokens of a run, {options.threads} threads")
    for column in ("bundle", "words", "tokens", "docs/s", "median", "ratio", "peak GB", "others' cores"):
        table.add_column(column, justify="left" if column == "bundle" else "right")
    for bundle in options.bundles:
        for words in options.words:
            rounds = compete(bundle, words, options)
            best = {budget: min(one.seconds for one in done) for budget, done in rounds.items()}
            for budget, done in rounds.items():
                table.add_row(
                    bundle.name,
                    str(words),
                    "whole batches" if budget == WHOLE else str(budget),
                    f"{_count(words, options) / best[budget]:.1f}",
                    f"{_count(words, options) / median(one.seconds for one in done):.1f}",
                    f"{best[WHOLE] / best[budget]:.2f}x",
                    f"{done[-1].peak_gb:.2f}",
                    f"{max(one.others for one in done):.1f}",
                    end_section=budget == WHOLE,
                )
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE")
    parser.add_argument("--budgets", nargs="+", type=int, default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--words", nargs="+", type=int, default=[8, 90, 400], help="mean length of a text")
    parser.add_argument("--total-words", type=int, default=12_000, help="in a round, but never fewer than 32 texts")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _count(words: int, options: Any) -> int:
    return max(32, int(options.total_words / words))


def compete(bundle: Path, words: int, options: Any) -> dict[int, list[Round]]:
    """Measure all budgets in turn, another one first each time."""
    budgets = [*options.budgets, WHOLE]
    texts = passages(_count(words, options), words)
    shared = {"bundle": str(bundle), "threads": options.threads, "texts": texts}
    processes = {
        budget: Running(f"{budget} tokens", "run_tokens:prepare", shared | {"budget": budget}) for budget in budgets
    }
    taken = in_turns(processes, options.rounds)
    return {budget: [Round(**one) for one in done] for budget, done in taken.items()}


def prepare(bundle: str, threads: int, budget: int, texts: list[str]) -> Callable[[], dict[str, Any]]:
    """Load a bundle and return the function that encodes all texts once, in runs of `budget` tokens."""
    from sparse_client import LocalEncoder
    from sparse_client.bundle import encoding

    encoding.RUN_TOKENS = budget
    encoder = LocalEncoder(bundle, threads=threads, batch_size=32)
    encoder.encode_documents(texts[:32])

    def measure() -> dict[str, Any]:
        stopwatch = Stopwatch()
        vectors = encoder.encode_documents(texts)
        active = sum(len(vector.indices) for vector in vectors) / len(vectors)
        return asdict(Round(*stopwatch.stop(), peak_memory(), active))

    return measure


if __name__ == "__main__":
    main()
