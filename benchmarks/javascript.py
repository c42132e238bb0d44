"""Node beside Python's LocalEncoder on the same bundle and threads, round by round; then the page in Chromium."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from passages import ROOT, passages

CLIENTS = ROOT / "clients"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("bundle", type=Path, help="int8 bundle of splade-tiny")
    parser.add_argument("site", type=Path, help="the page that `make web` built")
    parser.add_argument("--texts", type=int, default=128, help="passages of about 90 words")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    texts = passages(options.texts, 90)
    python, node = rounds(options.bundle.resolve(), texts, options.rounds, options.threads)
    ratio = statistics.median(mine / theirs for mine, theirs in zip(python, node, strict=True))
    print(f"{options.texts} passages of about 90 words, threads: {options.threads}, medians of {options.rounds} rounds")
    print("| client | documents a second | of Python's |\n| --- | --- | --- |")
    print(f"| Python LocalEncoder | {len(texts) / statistics.median(python):.0f} | |")
    print(f"| Node LocalEncoder | {len(texts) / statistics.median(node):.0f} | {ratio:.0%} |\n", flush=True)
    subprocess.run(["node", "web/bench.mjs", options.site.resolve()], cwd=CLIENTS, check=True, stdout=sys.stdout)


def rounds(bundle: Path, texts: list[str], count: int, threads: int) -> tuple[list[float], list[float]]:
    """Return the seconds of each round of Python and of Node, by turns, after one round to warm up."""
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(bundle, threads=threads)
    python, node = [], []
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file)
        file.flush()
        command = ["node", "node/bench.js", str(bundle), file.name, str(threads)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=CLIENTS, text=True, stdin=pipe, stdout=pipe) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for _ in range(count + 1):
                started = time.perf_counter()
                encoder.encode_documents(texts)
                python.append(time.perf_counter() - started)
                process.stdin.write("\n")
                process.stdin.flush()
                node.append(float(process.stdout.readline()))
            process.stdin.close()
    return python[1:], node[1:]


if __name__ == "__main__":
    main()
