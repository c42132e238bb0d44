"""One long text with and without padding beside it: what attention without a mask saves, each in a process of its own.

python benchmarks/checkpoints.py bert-base-long
sparse-export --model build/bench/bert-base-long --output build/bench/bert-base-long-fp32
python benchmarks/long_text.py build/bench/bert-base-long-fp32
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from encode import positive
from resources import peak_memory

WAYS = {"without padding": 1, "with padding": 0}
"""The mask's last value."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--tokens", type=positive, default=8192)
    parser.add_argument("--way", choices=WAYS, help="measure in this process; without it both, one after the other")
    options = parser.parse_args()
    if options.way is not None:
        print(measure(options.bundle, options.tokens, WAYS[options.way]))
        return
    for way in WAYS:
        command = [sys.executable, __file__, options.bundle, "--tokens", str(options.tokens), "--way", way]
        print(f"{way}: {subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()}")


def measure(bundle: Path, tokens: int, last: int) -> str:
    """Run a text of random tokens, the last of which is padding or not."""
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(bundle)
    encoder.encode_token_ids([[1, 2, 3]])
    before = peak_memory()
    ids = np.random.default_rng(0).integers(1000, 20_000, (1, tokens))
    mask = np.ones_like(ids)
    mask[0, -1] = last
    started = time.perf_counter()
    encoder._encoding.outputs("document.onnx", {"input_ids": ids, "attention_mask": mask}, encoder._encoding.reader)
    seconds = time.perf_counter() - started
    return f"{seconds:.1f} s, peak {peak_memory():.2f} GB, {before:.2f} GB of it before"


if __name__ == "__main__":
    main()
