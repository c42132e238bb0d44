"""Text to sparse vectors: bundles in ONNX Runtime against sentence-transformers in torch, in one run.

Every contender has a process of its own; the rounds alternate, so that a busy machine slows all of them down.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from contender import REFERENCE, Contender, ContenderError, Round, in_turns
from passages import ROOT, passages
from report import as_json, make_rows, make_table

BATCH_SIZES = {"splade-tiny": 32, "distilbert-size": 16}
EXPORTS = {
    "fp32": ("--quantize", "none"),
    "fp16": ("--quantize", "fp16"),
    "int8": ("--quantize", "int8"),
    "int8-vnni": ("--quantize", "int8", "--cpu", "vnni"),
}
BUNDLES = ROOT / "build" / "bench" / "bundles"


def main() -> None:
    options = _parse_options()
    texts = passages(options.texts, options.words)
    rows = []
    for model in options.models:
        checkpoint = find_checkpoint(model)
        export_s = {f"ours {name}": export(checkpoint, model, name, options.reuse) for name in options.precisions}
        rounds = compete(_contenders(model, checkpoint, options), texts, options.rounds)
        rows += make_rows(model, len(texts), rounds, {name: taken for name, taken in export_s.items() if taken})
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    Console(width=None if sys.stdout.isatty() else 120).print(make_table(rows))
    if options.json:
        settings = {key: value for key, value in vars(options).items() if key != "json"}
        options.json.write_text(json.dumps(as_json(rows, settings), indent=2) + "\n", "utf-8")


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=BATCH_SIZES, default=list(BATCH_SIZES))
    parser.add_argument("--precisions", nargs="*", choices=EXPORTS, default=["fp32", "int8"])
    parser.add_argument("--texts", type=positive, default=256, help="passages encoded in a round")
    parser.add_argument("--words", type=positive, default=90, help="mean length of a passage")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--threads", type=positive, help="of every contender; without it each library's default")
    parser.add_argument("--reuse", action="store_true", help="take the bundles of the last run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def positive(text: str) -> int:
    """Read a number for argparse: 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def find_checkpoint(model: str) -> Path:
    """Return the folder of a model, making the random one when it is not there yet."""
    if (ROOT / "models" / model).exists():
        return ROOT / "models" / model
    # In a process of its own: torch would stay in this one's memory.
    command: list[str | Path] = [sys.executable, ROOT / "benchmarks" / "checkpoints.py", model]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return ROOT / "build" / "bench" / model


def export(checkpoint: Path, model: str, precision: str, reuse: bool) -> float | None:
    """Export to a bundle and return the seconds it took, or None where there was one to reuse."""
    bundle = bundle_path(model, precision)
    if reuse and bundle.exists():
        return None
    bundle.parent.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [Path(sys.executable).with_name("sparse-export"), "--model", checkpoint]
    command += ["--output", bundle, *EXPORTS[precision], "--force"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ContenderError(f"Exporting {model} to {precision} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def bundle_path(model: str, precision: str) -> Path:
    return BUNDLES / f"{model}-{precision}"


def _contenders(model: str, checkpoint: Path, options: Any) -> list[Contender]:
    shared = (BATCH_SIZES[model], options.threads)
    reference = Contender(REFERENCE, "torch", checkpoint, *shared, weights="*.safetensors")
    ours = [
        Contender(f"ours {name}", "sparse_client", bundle_path(model, name), *shared) for name in options.precisions
    ]
    return [reference, *ours]


def compete(contenders: list[Contender], texts: list[str], rounds: int) -> dict[Contender, list[Round]]:
    """Measure all contenders in turn, `rounds` times, another one first each time."""
    running = {contender: contender.start() for contender in contenders}
    for contender in contenders:  # not counted: pays for lazy set-up
        running[contender].measure({"texts": texts[: contender.batch_size]})
    taken = in_turns(running, rounds, {"texts": texts})
    return {contender: [Round(**one) for one in done] for contender, done in taken.items()}


if __name__ == "__main__":
    main()
