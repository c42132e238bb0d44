"""Where a server is: a URL, checked and taken apart."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sparse_client.errors import InputError

# scheme: (protocol, encrypted, the port where the URL names none: Triton's own, or that of TLS)
SCHEMES = {
    "http": ("http", False, 8000),
    "https": ("http", True, 443),
    "grpc": ("grpc", False, 8001),
    "grpcs": ("grpc", True, 443),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        url: As the caller wrote it.
        protocol: `http` or `grpc`.
        tls: Whether the connection is encrypted.
        target: Host and port; for http also the path that a gateway put in front.
    """

    url: str
    protocol: str
    tls: bool
    target: str


def parse_address(url: str) -> Address:
    """Take a URL apart.

    Args:
        url: Like `grpc://localhost:8001` or `https://search.example.org/triton`. Where it has no port: 8000 for http,
            8001 for grpc, 443 for https and grpcs.

    Raises:
        InputError: If the scheme is unknown, there is no host, or there is something that no server is asked with.
    """
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{url!r} is no URL ({error}): give one like grpc://localhost:8001") from error
    if parts.scheme not in SCHEMES or "://" not in url:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise InputError(f"{url!r} starts with none of {known}: give one like grpc://localhost:8001")
    protocol, tls, default = SCHEMES[parts.scheme]
    if not parts.hostname:
        raise InputError(f"{url!r} names no host: give one like {parts.scheme}://localhost:{default}")
    if fault := _fault(parts, protocol):
        raise InputError(f"{_without_user(parts)!r} has {fault}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(url, protocol, tls, f"{host}:{port or default}{parts.path.rstrip('/')}")


def _fault(parts: SplitResult, protocol: str) -> str | None:
    if parts.username is not None:
        return "a user or a password in it, which would show in every error: pass headers instead"
    if parts.query or parts.fragment:
        return "a '?' or a '#' part: leave it out"
    if protocol == "grpc" and parts.path.strip("/"):
        return f"the path {parts.path!r}, which gRPC knows nothing of: leave it out"
    return None


def _without_user(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
