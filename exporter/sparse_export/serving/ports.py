"""Ports to listen at: free ones, or the given ones if nobody has them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from sparse_export.errors import ServerError


def choose(host: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Return a free port for each name; 0 stands for any.

    Args:
        host: Address to listen at.
        wanted: Port by name: "http", "grpc", "metrics".

    Raises:
        ServerError: A port is in use, given twice or not allowed, or the host is none of this machine's.
    """
    given = [port for port in wanted.values() if port]
    if len(set(given)) < len(given):
        raise ServerError(f"The ports {', '.join(map(str, wanted.values()))} must differ from each other.")
    held: dict[str, socket.socket] = {}
    try:
        for name, port in wanted.items():
            held[name] = _bound(host, name, port)
        return {name: taken.getsockname()[1] for name, taken in held.items()}
    finally:
        for taken in held.values():
            taken.close()


def _bound(host: str, name: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServerError(
                f"Port {port} of {host} is in use; give another --{name}-port, or 0 for any that is free."
            ) from error
        raise ServerError(f"Nothing can listen at port {port} of {host!r}: {error.strerror or error}.") from error
