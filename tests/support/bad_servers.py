"""Servers on loopback that do what a server must not: refuse, hang, answer errors, answer nonsense."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answering(ThreadingHTTPServer):
    """Gives the same answer to everything, and remembers what was asked."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes, kind: str) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                self.rfile.read(int(self.headers.get("content-length") or 0))
                answering.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)


@contextmanager
def answering(status: int, body: str, kind: str = "application/json") -> Iterator[Answering]:
    """Serve one answer over HTTP."""
    with Answering(status, body.encode(), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listening(answer: bytes | None) -> Iterator[tuple[int, list[int]]]:
    """Take connections: write an answer and close each, or with None never answer; give the port and who came."""
    came: list[int] = []
    open_sockets: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, (_, port) = server.accept()
            except OSError:
                return
            came.append(port)
            open_sockets.append(connection)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in open_sockets:
                connection.close()


def closed_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
