"""Servers that refuse, hang, answer errors or nonsense: one error of ours each, retried only where it helps."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from sparse_client import (
    AsyncSparseClient,
    ClientOptions,
    InputError,
    ModelNotFoundError,
    ServerError,
    SparseClient,
    SparseClientError,
    UnreachableError,
)
from support.bad_servers import answering, closed_port, listening

BRIEF = ClientOptions(retries=2, timeout=5)
ONCE = ClientOptions(retries=0, timeout=0.3)


def _blocking(url: str, options: ClientOptions) -> object:
    with SparseClient(url, model="m", headers={"Token": "t"}, options=options) as client:
        return client.encode_documents(["a"])


def _awaited(url: str, options: ClientOptions) -> object:
    async def run() -> object:
        async with AsyncSparseClient(url, model="m", headers={"Token": "t"}, options=options) as client:
            return await client.encode_documents(["a"])

    return asyncio.run(run())


Encode = Callable[[str, ClientOptions], object]
both = pytest.mark.parametrize("encode", [_blocking, _awaited])
schemes = pytest.mark.parametrize("scheme", ["http", "grpc"])


@both
@schemes
def test_nobody_there(encode: Encode, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port()}"
    start = time.monotonic()
    with pytest.raises(UnreachableError, match=f"^{url}, model 'm_document': cannot be reached: ") as error:
        encode(url, BRIEF)
    assert time.monotonic() - start >= 0.75 * (0.1 + 0.2)  # it tried three times
    assert "\n" not in str(error.value)


@both
@schemes
def test_no_answer(encode: Encode, scheme: str) -> None:
    with (
        listening(None) as (port, _),
        pytest.raises(UnreachableError, match=r"did not answer in time: (0\.3 s passed|Deadline Exceeded)"),
    ):
        encode(f"{scheme}://127.0.0.1:{port}", ONCE)


@both
@schemes
def test_a_connection_that_is_closed_is_opened_again(encode: Encode, scheme: str) -> None:
    with listening(b"") as (port, came):
        with pytest.raises(UnreachableError, match="cannot be reached"):
            encode(f"{scheme}://127.0.0.1:{port}", BRIEF)
        assert len(came) >= 2


@both
@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (503, '{"error":"Exceeds maximum queue size"}', UnreachableError, "cannot be reached: Exceeds maximum queue"),
        (503, "<h1>Service Unavailable</h1>", UnreachableError, "HTTP 503 from what is no Triton server: <h1>"),
        (404, '{"error":"unknown model"}', ModelNotFoundError, "there is no such model: unknown model"),
        (404, "<h1>Not Found</h1>", ServerError, "HTTP 404 from what is no Triton server"),
        (502, "<h1>Bad Gateway</h1>", ServerError, "failed: HTTP 502"),
        (400, '{"error":"bad input"}', InputError, "rejected: bad input"),
        (401, '{"error":"who are you"}', ServerError, "failed: who are you"),
        (500, '{"error":"broken"}', ServerError, "failed: broken"),
        (200, "<html>hello</html>", ServerError, "the answer cannot be read, so it is perhaps no Triton server"),
        (200, "[]", ServerError, "its configuration cannot be read"),
    ],
)
def test_answers_over_http(encode: Encode, status: int, body: str, kind: type, message: str) -> None:
    with answering(status, body) as server:
        with pytest.raises(SparseClientError, match=message) as error:
            encode(f"http://127.0.0.1:{server.server_port}", BRIEF)
        assert type(error.value) is kind
        # Only "unavailable" is worth another try.
        assert len(server.asked) == (3 if status == 503 else 1)
        path, headers = server.asked[0]
        assert (path, headers["token"]) == ("/v2/models/m_document/config", "t")


def test_an_answer_that_is_none_of_ours() -> None:
    # The configuration can be read, and the same is then the answer to the request.
    body = json.dumps({"max_batch_size": 8, "output": [{"name": "indices"}], "outputs": []})
    with answering(200, body) as server:
        with pytest.raises(ServerError, match="model 'm_document': failed: it gave nothing, not indices"):
            _blocking(f"http://127.0.0.1:{server.server_port}/behind/a/gateway", BRIEF)
        assert [path for path, _ in server.asked] == [
            "/behind/a/gateway/v2/models/m_document/config",
            "/behind/a/gateway/v2/models/m_document/infer",
        ]


@both
@schemes
def test_no_tls_there(encode: Encode, scheme: str) -> None:
    with answering(200, "{}") as server, pytest.raises(ServerError) as error:
        encode(f"{scheme}s://127.0.0.1:{server.server_port}", BRIEF)
    assert "secure connection" in str(error.value) or scheme == "grpc"


@pytest.mark.parametrize("texts", ["one text", [1], ["\ud800"]])
def test_what_is_no_text_is_refused_before_anybody_is_asked(texts: Any) -> None:
    with SparseClient(f"grpc://127.0.0.1:{closed_port()}", model="m", options=ONCE) as client:
        with pytest.raises(InputError):
            client.encode_queries(texts)
        assert client.encode_queries([]) == []
        with pytest.raises(InputError, match="expected SparseVector: pass|expected a list of SparseVector"):
            client.decode(texts if isinstance(texts, str) else 3)
        with pytest.raises(InputError, match="query is int, expected a text or a SparseVector"):
            client.explain(1, "a")  # type: ignore[arg-type]


def test_a_closed_client_says_so() -> None:
    client = SparseClient("grpc://127.0.0.1:1", model="m")
    client.close()
    client.close()
    with pytest.raises(SparseClientError, match="this client was closed: make another"):
        client.encode_documents(["a"])


def test_a_client_that_is_forgotten_is_closed_quietly(recwarn: pytest.WarningsRecorder) -> None:
    with answering(404, '{"error":"unknown model"}') as server:
        client = SparseClient(f"http://127.0.0.1:{server.server_port}", model="m")
        with pytest.raises(ModelNotFoundError):
            client.encode_documents(["a"])
        del client
        gc.collect()
    assert [str(one.message) for one in recwarn.list] == []


@schemes
def test_a_program_that_forgets_its_client_ends_at_once_and_quietly(scheme: str) -> None:
    code = f"""
from sparse_client import ClientOptions, SparseClient, UnreachableError
client = SparseClient("{scheme}://127.0.0.1:{closed_port()}", model="m", options=ClientOptions(retries=0))
try:
    client.encode_documents(["a"])
except UnreachableError:
    print("unreachable")
"""
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "unreachable\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_client_does_not_hang_after_a_fork() -> None:
    code = f"""
import os
from sparse_client import ClientOptions, SparseClient, SparseClientError
client = SparseClient("http://127.0.0.1:{closed_port()}", model="m", options=ClientOptions(retries=0))
if os.fork() == 0:
    try:
        client.encode_documents(["a"])
    except SparseClientError as error:
        os.write(1, str(error).encode())
    os._exit(0)
os.wait()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.stdout == "this client was made before this process was forked: make another"
