"""A corpus of glosses into a folder: one process of many threads, many processes of one thread, Ray.

    make bench-corpus
    python benchmarks/corpus.py --texts 100000 --workers 2

The ways alternate, so that a busy machine slows all of them down. Each is the command `sparse-client encode`, so its
seconds have the start of Python and, with Ray, of a cluster of this machine.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

from encode import positive
from passages import ROOT
from report import machine

BENCH = ROOT / "build" / "bench"
COMMAND = Path(sys.executable).with_name("sparse-client")
NOUNS = ROOT / "models" / "wordnet" / "data.noun"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=positive, default=20_000)
    parser.add_argument("--workers", type=positive, default=2)
    parser.add_argument("--rounds", type=positive, default=2)
    options = parser.parse_args()
    corpus, bundle, output = BENCH / "corpus.jsonl", BENCH / "corpus-bundle", BENCH / "corpus-vectors"
    write(corpus, options.texts)
    if not bundle.exists():
        command = [str(COMMAND.with_name("sparse-export")), "--model", str(ROOT / "models" / "splade-tiny")]
        subprocess.run([*command, "--quantize", "int8", "--output", str(bundle)], check=True)
    workers = str(options.workers)
    ways = {
        "one process": ["--workers", "1"],
        f"{workers} processes": ["--workers", workers],
        f"Ray, {workers} workers": ["--ray", "local", "--workers", workers],
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(options.rounds):
        for way, given in ways.items():
            shutil.rmtree(output, ignore_errors=True)
            command = [str(COMMAND), "encode", "--bundle", str(bundle), "--input", str(corpus)]
            started = time.perf_counter()
            subprocess.run([*command, "--output", f"{output}/", *given], check=True, stderr=subprocess.DEVNULL)
            best[way] = min(best[way], time.perf_counter() - started)
    print(f"{options.texts} glosses, splade-tiny int8, {machine()}")
    first = best["one process"]
    for way, seconds in best.items():
        print(f"{way}: {options.texts / seconds:.0f} texts/s, {seconds:.1f} s, {first / seconds:.2f}x")


def write(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = NOUNS.read_text("utf-8").splitlines()
    texts = [line.partition("|")[2].strip() for line in lines if "|" in line and not line.startswith(" ")]
    with path.open("w", encoding="utf-8") as stream:
        for number, text in enumerate(islice(cycle(texts), count)):
            stream.write(json.dumps({"id": number, "text": text}) + "\n")


if __name__ == "__main__":
    main()
