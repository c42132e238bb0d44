"""URLs and options of a server: what is taken, what is refused, and how."""

from pathlib import Path
from typing import Any

import pytest

from sparse_client import AsyncSparseClient, ClientOptions, InputError, SparseClient
from sparse_client.server.address import SCHEMES, parse_address
from sparse_client.server.options import checked_headers
from sparse_client.server.transports import TRANSPORTS


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost", ("http", False, "localhost:8000")),
        ("http://10.0.0.1:9/", ("http", False, "10.0.0.1:9")),
        ("https://search.example.org/triton/", ("http", True, "search.example.org:443/triton")),
        ("grpc://localhost", ("grpc", False, "localhost:8001")),
        ("GRPC://Host:7/", ("grpc", False, "host:7")),
        ("grpcs://search.example.org", ("grpc", True, "search.example.org:443")),
        ("grpcs://[::1]:8001", ("grpc", True, "[::1]:8001")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: tuple[str, bool, str]) -> None:
    address = parse_address(url)
    assert (address.protocol, address.tls, address.target) == expected
    assert address.url == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("localhost:8001", "starts with none of http://, https://, grpc://, grpcs://"),
        ("grpc:localhost", "starts with none of"),
        ("ftp://localhost", "'ftp://localhost' starts with none of"),
        ("", "starts with none of"),
        ("http://", "names no host: give one like http://localhost:8000"),
        ("http://:8000", "names no host"),
        ("http://host:port", "is no URL"),
        ("http://host:99999", "is no URL"),
        ("http://[::1", "is no URL"),
        (None, "None starts with none of"),
        ("grpc://host/path", "the path '/path', which gRPC knows nothing of"),
        ("http://host?x=1", "a '\\?' or a '#' part"),
    ],
)
def test_what_is_no_url_is_refused(url: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SparseClient(url, model="m")


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="'http://host:8000' has a user or a password") as error:
        parse_address("http://me:secret@host:8000")
    assert "secret" not in str(error.value)


def test_every_scheme_has_a_transport() -> None:
    assert {protocol for protocol, _, _ in SCHEMES.values()} == set(TRANSPORTS)


@pytest.mark.parametrize("model", ["", "a/b", None])
def test_a_model_has_a_name(model: Any) -> None:
    with pytest.raises(InputError, match="expected the name of a bundle"):
        AsyncSparseClient("grpc://localhost", model=model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout is 0, expected more than 0"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"retries": -1}, "retries is -1, expected 0 or more"),
        ({"concurrency": 0}, "concurrency is 0, expected 1 or more"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_active_dims": 0}, "max_active_dims is 0"),
        ({"ca_file": "missing.pem"}, "ca_file missing.pem is not a file"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ClientOptions(**options)


def test_pauses_double_up_to_two_seconds_and_are_random() -> None:
    pauses = list(ClientOptions(retries=8).pauses())
    longest = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0]
    assert all(0.75 * most <= pause <= most for pause, most in zip(pauses, longest, strict=True))
    assert pauses != list(ClientOptions(retries=8).pauses())
    assert list(ClientOptions(retries=0).pauses()) == []


def test_headers_are_in_lower_case_and_a_bad_value_is_not_shown() -> None:
    assert checked_headers({"Authorization": "Bearer x"}) == {"authorization": "Bearer x"}
    assert checked_headers(None) == {}
    for headers in ({"a b": "x"}, {"": "x"}, {1: "x"}):
        with pytest.raises(InputError, match="is not a valid name"):
            checked_headers(headers)  # type: ignore[arg-type]
    for value in ("secret\r\nx: y", "sécret", 1):
        with pytest.raises(InputError, match="the value of header 'token' is not printable ASCII") as error:
            checked_headers({"token": value})  # type: ignore[dict-item]
        assert "cret" not in str(error.value)


def test_certificates_are_a_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    assert ClientOptions(ca_file=tmp_path / "ca.pem").ca_file == tmp_path / "ca.pem"
