"""What stands between a client and the server: TLS, and a gateway that is overloaded at times."""

from __future__ import annotations

import itertools
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
FORWARDED = ("Inference-Header-Content-Length", "Content-Type")


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of localhost; return its file and that of its key."""
    public, private = folder / "localhost.pem", folder / "localhost.key"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", private, "-out", public)
    subprocess.run(command, check=True, capture_output=True)
    return public, private


@contextmanager
def behind_tls(port: int, pair: tuple[Path, Path]) -> Iterator[int]:
    """Give a port that speaks TLS and passes everything on to another, as a load balancer does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    context.set_alpn_protocols(["h2", "http/1.1"])
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(target: object, *arguments: object) -> None:
        threads.append(threading.Thread(target=target, args=arguments))  # type: ignore[arg-type]
        threads[-1].start()

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            start(join, plain)

    def join(plain: socket.socket) -> None:
        try:
            secure = context.wrap_socket(plain, server_side=True)
        except OSError:  # a client that does not trust us
            plain.close()
            return
        inner = socket.create_connection(("127.0.0.1", port))
        open_sockets.extend((secure, inner))
        start(pump, secure, inner)
        pump(inner, secure)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        start(accept)
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in open_sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for one in open_sockets:
                one.close()


@contextmanager
def overloaded(url: str, every: int) -> Iterator[tuple[str, list[int]]]:
    """Pass HTTP on, but answer every n-th request with 503; give the URL and the list of all answers."""
    turns, answers = itertools.count(), list[int]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if next(turns) % every == 0:
                self._answer(503, {}, b'{"error":"Exceeds maximum queue size"}')
                return
            headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
            request = urllib.request.Request(url + self.path, body or None, headers)
            with DIRECT.open(request, timeout=60) as answer:
                kept = {name: answer.headers[name] for name in FORWARDED if name in answer.headers}
                self._answer(answer.status, kept, answer.read())

        do_POST = do_GET  # noqa: N815

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            answers.append(status)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answers
        finally:
            server.shutdown()
            thread.join()
