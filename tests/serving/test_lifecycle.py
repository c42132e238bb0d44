"""`sparse-export serve` from its start to its end, whoever brings it about."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from sparse_export.serving.process import ServeOptions, serving
from sparse_export.triton.options import RepositoryOptions
from sparse_export.triton.repository import write
from support.bundles import encode
from support.commands import error_of
from support.kserve import DIRECT, Kserve, RejectedError

pytestmark = pytest.mark.triton
COMMAND = Path(sys.executable).with_name("sparse-export")
ANY_PORTS = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0")
# A graph that loads, and fails with the 16 tokens that it is warmed up with.
FAILS = """<ir_version: 10, opset_import: ["": 18]>
g (int64[b, s] input_ids, int64[b, s] attention_mask) => (int32[b, a] indices, float[b, a] values)
<int64[2] seven = {1, 7}> {
  shaped = Reshape (input_ids, seven)
  indices = Cast <to = 6> (shaped)
  values = Cast <to = 1> (shaped)
}"""


@pytest.fixture(scope="module")
def tiny_repository(tiny_bundles: dict[tuple[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifecycle")
    write(RepositoryOptions(bundle=tiny_bundles["splade", "fp32"], repository=folder, name="tiny"))
    return folder


@contextlib.contextmanager
def served(repository: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command until it says where it listens: the process, and its addresses by name."""
    command = [COMMAND, "serve", repository, *(options or ANY_PORTS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, dict(process.stdout.readline().split() for _ in range(3))
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    tasks = Path(f"/proc/{pid}/task")
    direct = [int(child) for task in tasks.glob("*/children") for child in task.read_text().split()]
    return [below for child in direct for below in (child, *children(child))]


def alive(pids: list[int]) -> list[int]:
    """Return those that still run; nobody may have asked how the others ended."""
    states = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return [
        pid for pid, stat in states.items() if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    ]


def traces(folder: Path) -> list[Path]:
    """Return what a server with that temporary folder keeps outside of its repository while it runs."""
    runs = list(folder.glob("sparse-export-*"))
    return [*runs, *(region for run in runs for region in Path("/dev/shm").glob(f"{run.name}*"))]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(
    tiny_repository: Path, stop: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with served(tiny_repository) as (process, addresses):
        below = children(process.pid)
        assert len(below) >= 4, "the server and its steps"
        assert Kserve(addresses["HTTP"]).encode("tiny_document", ["water"])
        with DIRECT.open(addresses["metrics"]) as metrics:
            assert b"nv_inference_count" in metrics.read()
        outside = traces(tmp_path)
        assert len(outside) >= 4, "its own folder, and shared memory of each step"
        process.send_signal(stop)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err.endswith("Stopping the server\n")
    assert "Traceback" not in err
    assert not alive(below)
    assert not [path for path in outside if path.exists()]


def test_it_ends_with_a_command_that_is_killed(tiny_repository: Path) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED, there is no setpriv: that a killed command leaves no server behind")
    with served(tiny_repository) as (process, _):
        below = children(process.pid)
        process.kill()
    deadline = time.monotonic() + 30
    while alive(below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(below)


def test_a_crash_is_reported(tiny_repository: Path) -> None:
    with served(tiny_repository) as (process, _):
        server = next(pid for pid in children(process.pid) if "tritonserver" in Path(f"/proc/{pid}/comm").read_text())
        below = children(process.pid)
        os.kill(server, signal.SIGKILL)
        _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Error: tritonserver was killed by SIGKILL. The last lines of its log:" in err
    assert "Started HTTPService at 127.0.0.1" in err
    assert "Traceback" not in err
    assert not alive(below)


def test_a_model_that_fails_its_warm_up_keeps_the_server_from_starting(tiny_repository: Path, tmp_path: Path) -> None:
    repository = Path(shutil.copytree(tiny_repository, tmp_path / "repository"))
    graph = onnx.parser.parse_model(FAILS).SerializeToString()
    (repository / "tiny_document_encoder" / "1" / "model.onnx").write_bytes(graph)
    done = subprocess.run([COMMAND, "serve", repository, *ANY_PORTS], capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "Error: tritonserver ended with exit code 1" in done.stderr
    assert re.search("tiny_document_encoder .*UNAVAILABLE", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["http", "grpc", "metrics"])
def test_a_port_in_use_is_named(tiny_repository: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        others = [f"--{other}-port=0" for other in ("http", "grpc", "metrics") if other != name]
        error = error_of("serve", tiny_repository, f"--{name}-port", port, *others)
    assert error == f"Error: Port {port} of 127.0.0.1 is in use; give another --{name}-port, or 0 for any that is free."


def test_ports_must_differ(tiny_repository: Path) -> None:
    assert "must differ" in error_of("serve", tiny_repository, "--http-port", "8123", "--grpc-port", "8123")


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    assert "is not a model repository: it has no MODEL/config.pbtxt" in error_of("serve", tmp_path)


def test_nothing_listens_beyond_loopback(tiny_repository: Path) -> None:
    with serving(ServeOptions(tiny_repository, 0, 0, 0)) as server:
        wanted = {f"{port:04X}" for port in server.ports.values()}
        sockets = [line.split() for table in ("tcp", "tcp6") for line in _lines(Path("/proc/net") / table)]
        listening = [address.split(":") for _, address, _, state, *_ in sockets if state == "0A"]
    hosts = {host for host, port in listening if port in wanted}
    assert {port for _, port in listening} >= wanted
    assert hosts <= {"0100007F", "0000000000000000FFFF00000100007F"}, "127.0.0.1, also as an address of version 6"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:] if path.exists() else []


def test_every_family_and_precision_loads_and_unloads(
    tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    """One after the other in a server that loads what it is told to; the ensemble brings its steps along."""
    names = {f"{family}-{precision}": bundle for (family, precision), bundle in tiny_bundles.items()}
    for name, bundle in names.items():
        write(RepositoryOptions(bundle=bundle, repository=tmp_path, name=name))
    with serving(ServeOptions(tmp_path, 0, 0, 0, arguments=("--model-control-mode=explicit",))) as server:
        kserve = Kserve(f"http://127.0.0.1:{server.ports['http']}")
        for name, bundle in names.items():
            with pytest.raises(RejectedError, match="404|400"):
                kserve.encode(f"{name}_query", ["water"])
            kserve.get(f"repository/models/{name}_query/load", b"{}")
            assert kserve.encode(f"{name}_query", ["how rain"]) == encode(bundle, ["how rain"], "query")
            kserve.get(f"repository/models/{name}_query/unload", b'{"parameters": {"unload_dependents": true}}')
        with pytest.raises(RejectedError, match="404|400"):
            kserve.encode(f"{name}_query", ["water"])


def test_the_response_cache_answers(tiny_bundles: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    write(RepositoryOptions(tiny_bundles["splade", "fp32"], tmp_path, "tiny", response_cache=True))
    with serving(ServeOptions(tmp_path, 0, 0, 0)) as server:
        kserve = Kserve(f"http://127.0.0.1:{server.ports['http']}")
        first, second = (kserve.encode("tiny_document", ["water"]) for _ in range(2))
        stats = kserve.get("models/tiny_document/stats")["model_stats"][0]["inference_stats"]
    assert first == second
    assert (stats["cache_miss"]["count"], stats["cache_hit"]["count"]) == (1, 1)


def test_offline_and_not_prepared(tiny_repository: Path, tmp_path: Path) -> None:
    """No index can be reached and nothing is cached: a sentence, and nothing that looks prepared."""
    offline = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    command = [COMMAND, "serve", tiny_repository, *ANY_PORTS]
    done = subprocess.run(command, env=offline, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: 'pip install")
    assert "the first start of the server needs a package index" in error
    assert list((tmp_path / "sparse-export").iterdir()) == []


def test_the_probe_of_containers_and_the_metric_of_the_autoscaler(tiny_repository: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, root / "docker" / "probe.py"]
    metric = re.search(r"name: (nv_\w+)", (root / "docker" / "kubernetes" / "hpa.yaml").read_text(encoding="utf-8"))
    assert metric is not None
    with serving(ServeOptions(tiny_repository, 0, 0, 0)) as server:
        url = f"http://127.0.0.1:{server.ports['http']}"
        codes = [subprocess.run([*command, model, url], check=False).returncode for model in ("tiny_document", "none")]
        with DIRECT.open(f"http://127.0.0.1:{server.ports['metrics']}/metrics") as metrics:
            assert metric[1].encode() in metrics.read()
    assert codes == [0, 1]
    assert subprocess.run([*command, "tiny_document", url], check=False).returncode == 1
