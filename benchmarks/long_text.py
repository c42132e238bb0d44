"""What 8,192 tokens take: the export of a BERT of base size, and one text with and without padding beside it.

    python benchmarks/long_text.py
    python benchmarks/long_text.py --precisions int8 --tokens 4096 --proof-tokens 8192

Each step runs in its own process, which prints its peak memory. Writes bundles to build/bench/.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from checkpoints import CHECKPOINTS, checkpoint
from encode import positive
from resources import peak_memory

MODEL = "bert-base-long"
PRECISIONS = ("fp32", "int8")
WAYS = {"without padding": 1, "with padding": 0}
"""The mask's last value."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--tokens", type=positive, default=8192, help="of the text")
    parser.add_argument("--proof-tokens", type=positive, default=2048, help="as for sparse-export")
    parser.add_argument("--step", choices=("export", *WAYS), help="do this one in this process; without it all")
    options = parser.parse_args()
    if options.step is not None:
        (precision,) = options.precisions
        bundle = CHECKPOINTS / f"{MODEL}-{precision}"
        one = export if options.step == "export" else encode
        print(one(bundle, precision, options))
        return
    checkpoint(MODEL)
    shared = ["--tokens", str(options.tokens), "--proof-tokens", str(options.proof_tokens)]
    for precision in options.precisions:
        for step in ("export", *WAYS):
            command = [sys.executable, __file__, *shared, "--precisions", precision, "--step", step]
            ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            print(f"{precision}, {step}: {ran.stdout.splitlines()[-1]}", flush=True)


def export(bundle: Path, precision: str, options: argparse.Namespace) -> str:
    """Export the checkpoint."""
    from sparse_export import ExportOptions, Precision
    from sparse_export import export as run

    started = time.perf_counter()
    run(
        ExportOptions(
            str(checkpoint(MODEL)), bundle, Precision(precision), proof_tokens=options.proof_tokens, force=True
        )
    )
    return f"{time.perf_counter() - started:.0f} s, peak {peak_memory():.2f} GB"


def encode(bundle: Path, _precision: str, options: argparse.Namespace) -> str:
    """Encode a text of random tokens, the last of which is padding or not."""
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(bundle)
    encoder.encode_token_ids([[1, 2, 3]])
    before = peak_memory()
    ids = np.random.default_rng(0).integers(1000, 20_000, (1, options.tokens))
    mask = np.ones_like(ids)
    mask[0, -1] = WAYS[options.step]
    started = time.perf_counter()
    encoder._encoding.outputs("document.onnx", {"input_ids": ids, "attention_mask": mask}, encoder._encoding.reader)
    seconds = time.perf_counter() - started
    return f"{seconds:.1f} s, peak {peak_memory():.2f} GB, {before:.2f} GB of it before"


if __name__ == "__main__":
    main()
