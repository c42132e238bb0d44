"""Start a tritonserver, tell when it is ready, stop it; if it stops by itself, tell why."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sparse_export.errors import InputError, ServerError
from sparse_export.serving import environment, ports
from sparse_export.serving.environment import Environment
from sparse_export.triton import configs

EXIT_SECONDS = 10  # what requests that are being answered get
POLL_SECONDS = 0.05
LOG_LINES = 15
TELLING = re.compile(r"^E\d{4} |^error: |UNAVAILABLE")
RESPONSE_CACHE_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """A server.

    Attributes:
        repository: Folder of the model repository.
        http_port: Port for HTTP, 0 for a free one.
        grpc_port: Port for gRPC, 0 for a free one.
        metrics_port: Port for metrics, 0 for a free one.
        host: Address to listen at.
        arguments: More arguments for tritonserver.

    Raises:
        InputError: There is no such repository.
    """

    repository: Path
    http_port: int = 8000
    grpc_port: int = 8001
    metrics_port: int = 8002
    host: str = "127.0.0.1"
    arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any(self.repository.glob("*/config.pbtxt")):
            raise InputError(
                f"'{self.repository}' is not a model repository: it has no MODEL/config.pbtxt; "
                f"write one with `sparse-export triton BUNDLE --repository {self.repository}`."
            )


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready.

    Attributes:
        process: tritonserver.
        log: File that it writes its log to.
        host: Address that it listens at.
        ports: Its ports by name.
    """

    process: subprocess.Popen[bytes]
    log: Path
    host: str
    ports: dict[str, int]

    def addresses(self) -> list[str]:
        """Return a line for each way to reach it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return [
            f"HTTP     http://{host}:{self.ports['http']}",
            f"gRPC     grpc://{host}:{self.ports['grpc']}",
            f"metrics  http://{host}:{self.ports['metrics']}/metrics",
        ]

    def wait(self) -> None:
        """Wait until it stops, which it should not.

        Raises:
            ServerError: It has stopped; the text ends with the last lines of its log.
        """
        self.process.wait()
        raise ServerError(self.obituary())

    def is_ready(self) -> bool:
        """Tell whether all models are loaded and every port answers; that for metrics opens last."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
        try:
            with direct.open(f"http://{host}:{self.ports['http']}/v2/health/ready", timeout=5):
                pass  # any status but 200 is an error
            for port in self.ports.values():
                socket.create_connection((host.strip("[]"), port), timeout=5).close()
        except OSError:
            return False
        return True

    def obituary(self) -> str:
        """Return how it ended and the last lines of its log."""
        code = self.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        # What a model lacks stands far above the end, which is about stopping.
        telling = [line for line in lines if TELLING.search(line)] if code > 0 else []
        which = "What its log says of errors:" if telling else "The last lines of its log:"
        return "\n".join([f"tritonserver {how}. {which}", *(telling or lines)[-LOG_LINES:]])


@contextlib.contextmanager
def serving(options: ServeOptions, say: Callable[[str], None] = lambda _: None) -> Iterator[Server]:
    """Run a server for the length of the block, which begins when it is ready.

    Args:
        options: Which repository, at which ports.
        say: Called with the name of each step that takes long.

    Raises:
        ServerError: It cannot be prepared or started, or a model cannot be loaded.
    """
    found = environment.prepare(say, configs.packages(options.repository))
    wanted = {"http": options.http_port, "grpc": options.grpc_port, "metrics": options.metrics_port}
    chosen = ports.choose(options.host, wanted)
    with tempfile.TemporaryDirectory(prefix="sparse-export-") as folder, contextlib.ExitStack() as stack:
        run = Path(folder)
        (run / "backends").mkdir()
        found.link_backends(run / "backends")
        log = stack.enter_context((run / "log").open("wb"))
        say("Starting tritonserver")
        process = subprocess.Popen(
            _command(found, options, chosen, run),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_variables(found),
            start_new_session=True,  # Ctrl-C reaches this process alone, which then stops that one in order
        )
        stack.callback(_stop, process, run.name)
        server = Server(process, run / "log", options.host, chosen)
        while not server.is_ready():
            if process.poll() is not None:
                raise ServerError(server.obituary())
            time.sleep(POLL_SECONDS)
        yield server


def _command(found: Environment, options: ServeOptions, chosen: dict[str, int], run: Path) -> list[str | Path]:
    listening = [
        part for name, port in chosen.items() for part in (f"--{name}-address={options.host}", f"--{name}-port={port}")
    ]
    cached = any("response_cache" in path.read_text(encoding="utf-8") for path in options.repository.glob("*/*.pbtxt"))
    cache = [f"--cache-directory={found.caches}", f"--cache-config=local,size={RESPONSE_CACHE_BYTES}"] if cached else []
    # Where this process is killed, the server ends, too.
    tie = [setpriv, "--pdeathsig", "TERM"] if (setpriv := shutil.which("setpriv")) else []
    return [
        *tie,
        found.executable,
        f"--model-repository={options.repository.resolve()}",
        f"--backend-directory={run / 'backends'}",
        f"--backend-config=python,shm-region-prefix-name={run.name}",
        "--disable-auto-complete-config",  # configurations are complete, and ours says so sooner
        "--allow-gpu-metrics=false",
        f"--exit-timeout-secs={EXIT_SECONDS}",
        *listening,
        *cache,
        *options.arguments,
    ]


def _variables(found: Environment) -> dict[str, str]:
    # Another Python's modules must not reach the steps.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join([str(found.python / "bin"), kept.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "PYTHONNOUSERSITE": "1"}


def _stop(process: subprocess.Popen[bytes], prefix: str) -> None:
    """Stop the server and its steps, and remove the shared memory that steps which died have left."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(EXIT_SECONDS + 5)
    with contextlib.suppress(ProcessLookupError):  # its steps belong to its session
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for region in Path("/dev/shm").glob(f"{prefix}*"):
        region.unlink(missing_ok=True)
