"""One training step of SPLADE: the fused head against sentence-transformers' own modules, in one run.

A step is what the trainer does with a batch of pairs: two forward passes, SpladeLoss over
SparseMultipleNegativesRankingLoss, backward, clipping, AdamW. Model, batch, data and seed are the same for both.
Every contender has a process of its own; the rounds alternate, so that a busy machine slows all of them down.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from contender import Running, in_turns
from passages import ROOT, passages
from resources import GIGABYTE, Stopwatch, peak_memory

QUIET = 0.2
"""Cores in use by others beyond which a run says little."""
BATCHES = 4
"""Different batches, taken in turn."""
DENSE_BIAS = 4.0
"""Added to every logit, it makes most dimensions active, as they are when a training starts from a bare MLM."""


@dataclass(frozen=True, slots=True)
class Case:
    """What both contenders train.

    Attributes:
        model: `splade-tiny` or `distilbert-size`.
        batch: pairs of a step.
        tokens: of every text; none is padded.
        dense: start with most dimensions active.
    """

    model: str
    batch: int
    tokens: int
    dense: bool = False

    def __str__(self) -> str:
        return f"{self.model}, {self.batch} x {self.tokens}" + ", dense" * self.dense


@dataclass(frozen=True, slots=True)
class Round:
    """Some steps.

    Attributes:
        seconds: wall time of a step.
        processor_s: processor time of a step, all threads together, which other processes change less.
        others: cores that other processes kept busy meanwhile, on average.
        process_gb: peak memory of the process, with its libraries and what its allocator does not give back.
        tensors_gb: peak memory of all tensors in a step, weights and optimizer among them, on the device.
        active_dims: mean active dimensions of a text of the last batch.
        loss: of the last step.
    """

    seconds: float
    processor_s: float
    others: float
    process_gb: float
    tensors_gb: float
    active_dims: float
    loss: float


CPU_CASES = (
    Case("splade-tiny", 64, 32),
    Case("splade-tiny", 64, 32, dense=True),
    Case("splade-tiny", 64, 128),
    Case("distilbert-size", 16, 128),
)
CUDA_CASES = tuple(
    Case(model, batch, tokens)
    for model in ("splade-tiny", "distilbert-size")
    for batch, tokens in ((64, 32), (128, 128), (128, 256))
)
TIMES = ("s", "median", "ratio", "core s", "ratio")
MEMORY = ("process", "ratio", "tensors", "ratio")
COLUMNS = ("pairs x tokens", "head", *TIMES, *MEMORY, "active", "loss")
CONTENDERS = {
    "cpu": ("stock", "ours"),
    "cuda": ("stock", "stock compiled", "ours"),
}


def main() -> None:
    options = _parse_options()
    cases = CPU_CASES if options.device == "cpu" else CUDA_CASES
    chosen = [case for number, case in enumerate(cases, 1) if number in (options.cases or range(1, 99))]
    results = {case: compete(case, options) for case in chosen}
    print_table(results, options)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--device", choices=CONTENDERS, default="cpu", help="on a GPU with bfloat16 autocast")
    parser.add_argument("--cases", nargs="+", type=int, metavar="N", help="rows of the table to run, from 1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1, help="training steps in a round")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def compete(case: Case, options: argparse.Namespace) -> dict[str, list[Round]]:
    """Measure all contenders of a case in turn, another one first each time."""
    if case.model == "distilbert-size":
        # In a process of its own: torch would stay in this one's memory.
        command: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "checkpoints.py", case.model]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    names = list(CONTENDERS[options.device])
    texts = passages(2 * BATCHES * case.batch, words=2 * case.tokens)
    shared = {"case": asdict(case), "options": vars(options), "texts": texts}
    running = {name: Running(name, "train:serve_training", {"name": name, **shared}) for name in names}
    return {name: [Round(**one) for one in done] for name, done in in_turns(running, options.rounds).items()}


def serve_training(case: dict[str, Any], options: dict[str, Any], **settings: Any) -> Callable[[], dict[str, Any]]:
    """Prepare from what came as JSON, and return the function that measures for JSON."""
    measure = prepare_training(case=Case(**case), options=argparse.Namespace(**options), **settings)
    return lambda: asdict(measure())


def prepare_training(name: str, case: Case, options: argparse.Namespace, texts: list[str]) -> Callable[[], Round]:
    """Load the model and return the function that trains for some steps."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = _load(name, case, options.device)
    loss = _loss(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-7)  # so little that the model stays as sparse as it was
    size = case.batch
    columns = [
        [model.preprocess(texts[start : start + size]) for start in (2 * number * size, (2 * number + 1) * size)]
        for number in range(BATCHES)
    ]
    done = 0

    def step() -> float:
        nonlocal done
        batch = [{key: _on(value, options.device) for key, value in one.items()} for one in columns[done % BATCHES]]
        done += 1
        with torch.autocast("cuda", torch.bfloat16, enabled=options.device == "cuda"):
            total = sum(loss(batch).values())
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(total.detach())  # waits for the GPU

    for _ in range(BATCHES):  # the first step pays for lazy set-up
        step()
    memory = peak_memory(), _tensors(step, model, optimizer)  # in this order: the profiler takes memory of its own

    def measure() -> Round:
        stopwatch, started = Stopwatch(), time.process_time()
        value = [step() for _ in range(options.steps)][-1]
        processor_s, (seconds, others) = time.process_time() - started, stopwatch.stop()
        times = (seconds / options.steps, processor_s / options.steps, others)
        return Round(*times, *memory, _active(model, columns[0][0]), value)

    return measure


def _load(name: str, case: Case, device: str) -> Any:
    import torch
    from sentence_transformers import SparseEncoder

    from sparse_train import fuse_head

    model: Any = SparseEncoder(str(_folder(case.model)), device=device)
    model.max_seq_length = case.tokens
    if case.dense:
        with torch.no_grad():
            model[0].model.get_output_embeddings().bias += DENSE_BIAS
    if name == "stock compiled":
        model.compile()
    if name == "ours":
        fuse_head(model)
    return model.train()


def _folder(model: str) -> Any:
    return ROOT / ("models" if model == "splade-tiny" else "build/bench") / model


def _loss(model: Any) -> Any:
    from sentence_transformers.sparse_encoder.losses import SparseMultipleNegativesRankingLoss, SpladeLoss

    ranking = SparseMultipleNegativesRankingLoss(model)
    return SpladeLoss(model, ranking, document_regularizer_weight=3e-5, query_regularizer_weight=5e-5)


def _on(value: Any, device: str) -> Any:
    return value.to(device) if hasattr(value, "to") else value


def _tensors(step: Callable[[], Any], model: Any, optimizer: Any) -> float:
    """Return the peak memory of all tensors in a step, in GB; on a CPU by what the profiler sees allocated."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() / GIGABYTE
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watch:
        step()
    events = [event for event in watch.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes = (event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    kept = [*model.parameters(), *(value for state in optimizer.state.values() for value in state.values())]
    return (sum(tensor.nbytes for tensor in kept) + max(accumulate(changes))) / GIGABYTE


def _active(model: Any, features: dict[str, Any]) -> float:
    """Return the mean active dimensions of a few texts, to see that both train the same."""
    import torch

    few = {key: _on(value[:4], model.device) if torch.is_tensor(value) else value for key, value in features.items()}
    model.eval()
    with torch.no_grad():
        vectors = model(few)["sentence_embedding"]
    model.train()
    return float((vectors != 0).sum(1).float().mean())


def print_table(results: dict[Case, dict[str, list[Round]]], options: argparse.Namespace) -> None:
    """Print seconds and memory of every contender, and how the stock step compares."""
    from rich.console import Console
    from rich.table import Table

    others = max(one.others for rounds in results.values() for done in rounds.values() for one in done)
    caption = f"{options.device}, {options.threads} threads; other processes took up to {others:.1f} cores meanwhile"
    table = Table(
        title="A training step: seconds (best, median), processor time, peak memory in GB (process, all tensors)",
        caption=caption + "; repeat on an idle machine" * (others > QUIET),
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for case, rounds in results.items():
        for number, (name, done) in enumerate(rounds.items(), 1):
            cells = _cells(done, rounds["stock"])
            table.add_row(str(case), name, *cells, end_section=number == len(rounds))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def _cells(done: list[Round], stock: list[Round]) -> tuple[str, ...]:
    best, reference = (min(one.seconds for one in rounds) for rounds in (done, stock))
    cores, reference_cores = (min(one.processor_s for one in rounds) for rounds in (done, stock))
    (process, tensors), stock_memory = ((rounds[-1].process_gb, rounds[-1].tensors_gb) for rounds in (done, stock))
    return (
        f"{best:.2f}",
        f"{median(one.seconds for one in done):.2f}",
        f"{reference / best:.2f}x",
        f"{cores:.2f}",
        f"{reference_cores / cores:.2f}x",
        f"{process:.2f}",
        f"1/{stock_memory[0] / process:.1f}",
        f"{tensors:.2f}",
        f"1/{stock_memory[1] / tensors:.1f}",
        f"{done[-1].active_dims:.0f}",
        f"{done[-1].loss:.4f}",
    )


if __name__ == "__main__":
    main()
