"""The clients where something happens on the way: a killed server, an overloaded gateway, TLS, a token."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sparse_client import (
    ClientOptions,
    LocalEncoder,
    ServerError,
    SparseClient,
    SparseClientError,
    SparseVector,
    UnreachableError,
)
from sparse_export.serving.process import ServeOptions, serving
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.repository import write
from support.proxies import behind_tls, certificate, overloaded

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
WEATHER = "The weather is lovely today."
TOKENS = {"http": {"x-token": "secret"}, "grpc": {"triton-grpc-protocol-x-token": "secret"}}
RESTRICTED = ("--http-restricted-api=inference:x-token=secret", "--grpc-restricted-protocol=inference:x-token=secret")


def same_bits(one: SparseVector, other: SparseVector) -> bool:
    return one.indices.tobytes() == other.indices.tobytes() and one.values.tobytes() == other.values.tobytes()


class Caller:
    """Encodes one text after the other until it is told to stop, and keeps what it got."""

    def __init__(self, scheme: str, port: int, stop: threading.Event) -> None:
        self.options = ClientOptions(retries=20)  # some 30 s
        self.url, self.headers, self.stop = f"{scheme}://127.0.0.1:{port}", TOKENS[scheme], stop
        self.got: list[tuple[int, SparseVector]] = []
        self.longest = 0.0

    def run(self) -> None:
        with SparseClient(self.url, model="idf", headers=self.headers, options=self.options) as client:
            while not self.stop.is_set():
                begun, number = time.monotonic(), len(self.got)
                (vector,) = client.encode_queries([f"text {number}"])
                self.got.append((number, vector))
                self.longest = max(self.longest, time.monotonic() - begun)


def _wait_for_more(callers: list[Caller], futures: list[object]) -> None:
    before, patience = [len(caller.got) for caller in callers], time.monotonic() + 60
    while any(len(caller.got) < had + 5 for caller, had in zip(callers, before, strict=True)):
        assert time.monotonic() < patience, [len(caller.got) for caller in callers]
        assert not any(future.done() for future in futures), "a caller has given up"  # type: ignore[attr-defined]
        time.sleep(0.02)


def test_a_server_killed_and_started_again_under_load(idf_bundle: Path, tmp_path: Path) -> None:
    write(RepositoryOptions(bundle=idf_bundle, repository=tmp_path / "repository", name="idf"))
    stop = threading.Event()
    with serving(ServeOptions(tmp_path / "repository", 0, 0, 0, arguments=RESTRICTED)) as first:
        ports = first.ports
        for scheme in TOKENS:
            with (
                SparseClient(f"{scheme}://127.0.0.1:{ports[scheme]}", model="idf") as client,
                pytest.raises(ServerError, match="(?i)restricted"),
            ):
                client.encode_queries([WEATHER])
        callers = [Caller(scheme, ports[scheme], stop) for scheme in ("http", "grpc") for _ in range(3)]
        with ThreadPoolExecutor(len(callers)) as pool:
            futures = [pool.submit(caller.run) for caller in callers]
            try:
                _wait_for_more(callers, futures)
                os.killpg(first.process.pid, signal.SIGKILL)
                first.process.wait()
                again = [ports[name] for name in ("http", "grpc", "metrics")]
                with serving(ServeOptions(tmp_path / "repository", *again, arguments=RESTRICTED)):
                    _wait_for_more(callers, futures)
                    stop.set()
                    for future in futures:
                        future.result()
            finally:
                stop.set()
    local = LocalEncoder(idf_bundle)
    for caller in callers:
        assert [number for number, _ in caller.got] == list(range(len(caller.got)))
        expected = local.encode_queries([f"text {number}" for number, _ in caller.got])
        assert all(same_bits(vector, other) for (_, vector), other in zip(caller.got, expected, strict=True))
        assert caller.longest > 0.3, "was never without a server"


def test_an_overloaded_gateway_costs_time_but_no_result(running: Running) -> None:
    texts = [f"text number {number}" for number in range(30)]
    expected = LocalEncoder(running.bundles["idf"]).encode_queries(texts)
    with overloaded(running.http, every=3) as (url, answers):
        with SparseClient(url, model="idf", options=ClientOptions(batch_size=2)) as client:
            served = client.encode_queries(texts)
        assert answers.count(503) >= 5
        assert all(same_bits(one, other) for one, other in zip(served, expected, strict=True))
        with (
            SparseClient(url, model="idf", options=ClientOptions(batch_size=1, retries=0)) as client,
            pytest.raises(UnreachableError, match="Exceeds maximum queue size"),
        ):
            client.encode_queries(texts)


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_tls(running: Running, scheme: str, tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    (expected,) = LocalEncoder(running.bundles["idf"]).encode_queries([WEATHER])
    with behind_tls(running.server.ports[scheme[:4]], pair) as port:
        url = f"{scheme}://localhost:{port}"
        with SparseClient(url, model="idf", options=ClientOptions(ca_file=pair[0])) as client:
            assert same_bits(client.encode_queries([WEATHER])[0], expected)
        with (
            SparseClient(url, model="idf", options=ClientOptions(retries=0)) as client,
            pytest.raises(SparseClientError, match="(?i)certificate|secure connection|ssl"),
        ):
            client.encode_queries([WEATHER])
