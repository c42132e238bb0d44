"""What a Triton server costs beside the same bundle in this process: throughput, latency, bytes, memory, in one run.

The server is the real one, on this machine, and shares its cores with the client. Measurements alternate, so that a
busy machine slows both sides down.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from passages import ROOT, passages
from sparse_client import ClientOptions, LocalEncoder, SparseClient
from sparse_export.serving.process import ServeOptions, Server, serving
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.repository import write

DEMO = ROOT / "build" / "splade-tiny-int8"
NAME = "demo"
QUERY = "nice weather today"
BLOCK = 25
AIMS = {
    "throughput": "of LocalEncoder's, aim 80 % or more",
    "http": "aim 8 ms or less",
    "grpc": "aim 5 ms or less",
    "bytes": "aim 4096 or less",
}
Clients = dict[str, LocalEncoder | SparseClient]


def main() -> None:
    options = _parse_options()
    with tempfile.TemporaryDirectory() as folder:
        served = RepositoryOptions(
            bundle=options.bundle,
            repository=Path(folder),
            name=NAME,
            threads=options.threads,
            max_batch_size=options.batch_size,
        )
        write(served)
        with serving(ServeOptions(Path(folder), 0, 0, 0)) as server:
            _compare(server, options)


def _compare(server: Server, options: Any) -> None:
    print(f"{options.bundle.name}, {options.threads} threads, batches of {options.batch_size}, 1 server instance")
    clients: Clients = {"local": LocalEncoder(options.bundle, threads=options.threads, batch_size=options.batch_size)}
    for protocol in ("http", "grpc"):
        url = f"{protocol}://127.0.0.1:{server.ports[protocol]}"
        clients[protocol] = SparseClient(url, model=NAME, options=ClientOptions(concurrency=options.concurrency))
    throughput(clients, passages(options.texts), options.rounds)
    latency(clients, options.queries)
    size(server, options.bundle)
    memory(server, options.requests)


def throughput(clients: Clients, texts: list[str], rounds: int) -> None:
    """Print the texts per second of each client, and the ratio to the local one, round by round."""
    seconds = _alternate({name: partial(one.encode_documents, texts) for name, one in clients.items()}, rounds)
    for name, taken in seconds.items():
        ratio = statistics.median(local / other for local, other in zip(seconds["local"], taken, strict=True))
        rate = len(texts) / statistics.median(taken)
        print(f"throughput   {name:6} {rate:8.1f} texts/s {ratio:7.0%} {AIMS['throughput'] * (name != 'local')}")


def latency(clients: Clients, queries: int) -> None:
    """Print the median milliseconds of a short query that is alone, and what the server adds."""
    seconds: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(max(1, queries // BLOCK)):
        for name, client in clients.items():
            client.encode_queries([QUERY])  # not counted: the threads of the one before may still spin
            for _ in range(BLOCK):
                begun = time.perf_counter()
                client.encode_queries([QUERY])
                seconds[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(taken) * 1000 for name, taken in seconds.items()}
    for name, median in medians.items():
        added = f"{median - medians['local']:+7.2f} ms added, {AIMS[name]}" if name != "local" else ""
        print(f"query alone  {name:6} {median:8.2f} ms p50 {added}")


def size(server: Server, bundle: Path) -> None:
    """Print the bytes of the answer to a document of 100 tokens, headers included."""
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    words = passages(1, 200)[0].split()
    count = next(count for count in range(len(words)) if len(tokenizer.encode(" ".join(words[:count])).ids) >= 100)
    text = " ".join(words[:count])
    request = {
        "parameters": {"binary_data_output": True},
        "inputs": [{"name": "TEXT", "shape": [1, 1], "datatype": "BYTES", "data": [text]}],
    }
    url = f"http://127.0.0.1:{server.ports['http']}/v2/models/{NAME}_document/infer"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(request).encode()), timeout=60) as answer:
        received = len(str(answer.headers).encode()) + len(answer.read())
    tokens = len(tokenizer.encode(text).ids)
    print(f"response     http   {received:8d} bytes for a document of {tokens} tokens, {AIMS['bytes']}")


def memory(server: Server, requests: int) -> None:
    """Print the memory of the server and its steps before and after many requests of mixed lengths."""
    words = passages(1, 400)[0].split()
    texts = [" ".join(words[: 1 + number % 40]) for number in range(requests)]
    url = f"grpc://127.0.0.1:{server.ports['grpc']}"
    with SparseClient(url, model=NAME, options=ClientOptions(batch_size=1, concurrency=16)) as client:
        client.encode_queries(texts[:400])  # every length, so that what grows with the first of each has grown
        before, start = resident(server), time.perf_counter()
        for block in range(0, requests, 1000):
            client.encode_queries(texts[block : block + 1000])
        taken, after = time.perf_counter() - start, resident(server)
    print(
        f"memory       server {before:8.1f} MB at the start, {after:.1f} MB after {requests} requests ({taken:.0f} s)"
    )


def resident(server: Server) -> float:
    """Return the resident megabytes (10^6 bytes) of the server and all its steps, shared pages counted for each."""
    listing = subprocess.run(["ps", "-o", "rss=", "-s", str(server.process.pid)], capture_output=True, text=True)
    return sum(map(int, listing.stdout.split())) * 1024 / 1e6


def _alternate(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each action once a round, after one round that does not count, another one first each time."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    names = list(actions)
    for number in range(-1, rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            begun = time.perf_counter()
            actions[name]()
            if number >= 0:
                seconds[name].append(time.perf_counter() - begun)
    return seconds


def _parse_options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=DEMO)
    parser.add_argument("--threads", type=int, default=2, help="of a run of the graph, on the server and in process")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=4, help="requests under way at the same time")
    parser.add_argument("--texts", type=int, default=256, help="passages of about 90 words encoded in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=300, help="short queries, one after the other")
    parser.add_argument("--requests", type=int, default=20_000, help="between the two looks at the memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
