"""The clients against a real server: every family, HTTP and gRPC, awaited and not, alone and among others."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from sparse_client import (
    AsyncSparseClient,
    ClientOptions,
    InputError,
    LocalEncoder,
    ModelNotFoundError,
    SparseClient,
    SparseClientError,
    SparseVector,
    UnreachableError,
)
from sparse_client.cli.commands import main
from sparse_client.parity.distance import TOLERANCES, distance
from support.bundles import golden_texts

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
NAMES = ("splade", "idf", "csr", "prompted", "towers")
WEATHER = "The weather is lovely today."
PRECISIONS = {"splade": "int8", "idf": "fp32", "csr": "fp32", "prompted": "fp32", "towers": "int8"}
schemes = pytest.mark.parametrize("scheme", ["http", "grpc"])
families = pytest.mark.parametrize("name", NAMES)


class Awaited:
    """An AsyncSparseClient with the methods of a SparseClient, each run to its end."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._made = (arguments, options)

    def __getattr__(self, name: str) -> Any:
        async def run(*arguments: Any) -> Any:
            async with AsyncSparseClient(*self._made[0], **self._made[1]) as client:
                return await getattr(client, name)(*arguments)

        return lambda *arguments: asyncio.run(run(*arguments))

    def close(self) -> None:
        """Every call closes its own."""


@pytest.fixture(params=[SparseClient, Awaited], ids=["blocking", "awaited"])
def clients(request: pytest.FixtureRequest, running: Running) -> Iterator[Any]:
    """Make clients of the server that are closed in the end."""
    made = []

    def make(scheme: str, model: str, **options: Any) -> Any:
        made.append(request.param(getattr(running, scheme), model=model, options=ClientOptions(**options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


def same_bits(one: SparseVector, other: SparseVector) -> bool:
    return one.indices.tobytes() == other.indices.tobytes() and one.values.tobytes() == other.values.tobytes()


@families
@schemes
def test_a_text_alone_is_bit_equal_to_the_local_encoder(clients: Any, running: Running, scheme: str, name: str) -> None:
    client, local = clients(scheme, name), LocalEncoder(running.bundles[name])
    for text in [*golden_texts(running.bundles[name])["document"][::4], WEATHER]:
        for method in ("encode_documents", "encode_queries"):
            (served,), (expected,) = getattr(client, method)([text]), getattr(local, method)([text])
            assert same_bits(served, expected), (method, text)


@families
@schemes
def test_many_texts_come_back_in_order_within_the_tolerance(
    clients: Any, running: Running, scheme: str, name: str
) -> None:
    texts = golden_texts(running.bundles[name])["document"]  # of all lengths, and more than the server takes at once
    served = clients(scheme, name, concurrency=3).encode_documents(texts)
    alone = LocalEncoder(running.bundles[name], batch_size=1).encode_documents(texts)
    limit = 64 if name == "csr" else None
    for one, other in zip(served, alone, strict=True):
        # One by one, so that none can hide behind the mean of the others.
        if len(one) or len(other):
            found = distance([other], [one], PRECISIONS[name], limit)
            assert not found.misses(TOLERANCES[PRECISIONS[name]])


@families
@schemes
def test_verify_replays_the_bundle(clients: Any, running: Running, scheme: str, name: str) -> None:
    report = clients(scheme, name).verify(running.bundles[name])
    assert report.passed, report.misses
    assert report.distances["document"].texts >= 38


def test_verify_tells_another_bundle(clients: Any, running: Running) -> None:
    assert not clients("grpc", "splade").verify(running.bundles["idf"]).passed


@pytest.mark.parametrize("name", ["splade", "idf", "prompted", "towers"])
@schemes
def test_tokens(clients: Any, running: Running, scheme: str, name: str) -> None:
    client, local = clients(scheme, name), LocalEncoder(running.bundles[name])
    vectors = [*local.encode_documents([WEATHER, "café", ""]), SparseVector([], []), SparseVector([5, 3], [1, 2])]
    assert client.decode(vectors) == local.decode(vectors)
    assert client.decode(iter(vectors), None) == local.decode(vectors, None)
    assert client.decode([]) == []
    assert client.explain("nice weather", WEATHER, 3) == local.explain("nice weather", WEATHER, 3)
    with pytest.raises(SparseClientError, match=rf"model '{name}_decode' gives tokens, not embedding"):
        client.reconstruct([])


@schemes
def test_features(clients: Any, running: Running, scheme: str) -> None:
    client, local = clients(scheme, "csr"), LocalEncoder(running.bundles["csr"], batch_size=1)
    vectors = [*local.encode_documents([WEATHER, "café", "", *"abcdefg"]), SparseVector([], [])]
    assert np.abs(client.reconstruct(vectors) - local.reconstruct(vectors)).max() <= 1e-6
    assert client.reconstruct([]).shape == (0, 384)
    assert client.explain("nice weather", WEATHER) == local.explain("nice weather", WEATHER)
    with pytest.raises(SparseClientError, match=r"gives embedding, not tokens: its dimensions are features"):
        client.decode([])


@schemes
def test_fewer_dimensions_are_those_of_the_local_encoder(clients: Any, running: Running, scheme: str) -> None:
    for name in NAMES:
        (served,) = clients(scheme, name, max_active_dims=5).encode_documents([WEATHER])
        (expected,) = LocalEncoder(running.bundles[name], max_active_dims=5).encode_documents([WEATHER])
        assert same_bits(served, expected)
        assert len(served) == 5


@schemes
def test_what_the_server_refuses(clients: Any, running: Running, scheme: str) -> None:
    where = f"{getattr(running, scheme)}, model 'splade"
    client = clients(scheme, "splade")
    with pytest.raises(InputError, match=rf"^{where}_document': rejected: .*at most 20000 are allowed") as error:
        client.encode_documents(["fine", "a" * 20_001])
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=rf"^{where}_decode': rejected"):
        client.decode([SparseVector([40_000], [1])])
    with pytest.raises(ModelNotFoundError, match=r"model 'other_query': there is no such model"):
        clients(scheme, "other").encode_queries(["a"])


@schemes
def test_requests_are_never_larger_than_the_server_takes(clients: Any, running: Running, scheme: str) -> None:
    client = clients(scheme, "idf", batch_size=100, concurrency=2)  # the server takes 8
    texts = [f"text number {number}" for number in range(100)]
    before = _inferences(running)
    served = client.encode_queries(texts)
    done = [after - start for after, start in zip(_inferences(running), before, strict=True)]
    assert done[0] == 100
    assert done[1] <= 100 / 8 + 1
    local = LocalEncoder(running.bundles["idf"]).encode_queries(texts)
    assert all(same_bits(one, other) for one, other in zip(served, local, strict=True))


def _inferences(running: Running) -> tuple[int, int]:
    """Return the texts and the requests that the query ensemble has had."""
    stats = running.kserve.get("models/idf_query/stats")["model_stats"][0]
    return stats["inference_count"], stats["inference_stats"]["success"]["count"]


@schemes
def test_sixteen_callers_good_and_bad(running: Running, scheme: str) -> None:
    texts = [golden_texts(running.bundles["splade"])["document"][at] for at in (1, 4, 9, 18, 25, 29, 30, 33)]
    alone = LocalEncoder(running.bundles["splade"], batch_size=1).encode_documents(texts)
    url = getattr(running, scheme)

    def call(caller: int) -> list[str]:
        found = []
        with SparseClient(url, model="splade") as client:
            for turn in range(6):
                if (caller + turn) % 4 == 0:
                    try:
                        client.encode_documents([texts[0], "x" * 20_001])
                    except InputError as error:
                        found.append("rejected" if "at most 20000" in str(error) else str(error))
                    continue
                which = [(caller + turn + step) % len(texts) for step in range(1 + caller % 3)]
                served = client.encode_documents([texts[at] for at in which])
                for at, vector in zip(which, served, strict=True):
                    close = not distance([alone[at]], [vector], "int8", None).misses(TOLERANCES["int8"])
                    found.append("good" if close else f"text {at} differs")
        return found

    with ThreadPoolExecutor(16) as pool:
        found = list(itertools.chain.from_iterable(pool.map(call, range(16))))
    assert set(found) == {"good", "rejected"}
    assert found.count("rejected") == 24


def test_one_client_serves_many_threads_and_many_loops(running: Running) -> None:
    local = LocalEncoder(running.bundles["idf"])
    expected = local.encode_queries([WEATHER])[0]

    async def gather(url: str) -> list[list[SparseVector]]:
        async with AsyncSparseClient(url, model="idf") as client:
            return await asyncio.gather(*(client.encode_queries([WEATHER]) for _ in range(20)))

    for url in (running.http, running.grpc):
        with SparseClient(url, model="idf") as client, ThreadPoolExecutor(8) as pool:
            blocking = [pool.submit(client.encode_queries, [WEATHER]) for _ in range(40)]
            awaited = [pool.submit(asyncio.run, gather(url)) for _ in range(4)]
            assert all(same_bits(future.result()[0], expected) for future in blocking)
            assert all(same_bits(vectors[0], expected) for future in awaited for vectors in future.result())


@schemes
def test_a_timeout_is_kept(running: Running, scheme: str) -> None:
    with (
        SparseClient(getattr(running, scheme), model="csr", options=ClientOptions(timeout=0.001)) as client,
        pytest.raises(UnreachableError, match="did not answer in time"),
    ):
        client.encode_documents(["rain " * 400] * 8)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@schemes
def test_the_commands_give_what_they_give_of_the_bundle(running: Running, scheme: str, tmp_path: Path) -> None:
    server = ("--url", getattr(running, scheme), "--model", "splade")
    bundle = ("--bundle", running.bundles["splade"])
    for command in (("encode", WEATHER), ("decode", WEATHER), ("explain", "nice weather", WEATHER)):
        served, local = run(*command, *server), run(*command, *bundle)
        assert (served.exit_code, served.stderr) == (0, "")
        assert served.stdout == local.stdout
    result = run("verify", *bundle, *server)
    assert (result.exit_code, result.stderr) == (0, "")
    result = run("bench", *server, "--concurrency", "1,4", "--seconds", "0.2", "--format", "jsonl")
    assert (result.exit_code, result.stdout.count('"p99_ms"')) == (0, 2)
    result = run("encode", *server[:3], "other", "text")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "there is no such model" in result.stderr


@schemes
def test_the_command_fails_where_the_server_has_another_model(running: Running, scheme: str) -> None:
    server = ("--url", getattr(running, scheme), "--model", "csr")
    result = run("verify", "--bundle", running.bundles["splade"], *server)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "(int8) differs from PyTorch by more than it may: document: " in result.stderr
