"""Replay golden vectors of every precision on other processors, and write what came out to docs/processors.md.

    make processors

Ends with 1 where a promise is not kept. Takes qemu-user, Node with the packages of clients/, and some minutes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import aarch64
import replay_golden
from sparse_client.bundle.facts import Distance
from sparse_client.bundle.processor import processor_name
from sparse_client.bundle.reader import open_bundle
from sparse_client.parity.distance import TOLERANCES

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "processors"
TARGET = ROOT / "docs" / "processors.md"
EVERY = 3  # emulated processors are slow
TRIES = 3  # qemu-user itself dies by a signal now and then; a fault of ONNX Runtime would come each time
UNMENDED = "int8, VNNI, not made exact"
# What is exported of splade-tiny, by the heads of the table's columns.
EXPORTS = {
    "fp32": ("--quantize", "none"),
    "fp16": ("--quantize", "fp16"),
    "int8": ("--quantize", "int8"),
    "int8, VNNI": ("--quantize", "int8", "--cpu", "vnni"),
}
TEXT = """\
# int8 on other processors

Written by `make processors`. How far every third golden vector of splade-tiny is from PyTorch's, alone and in batches:
the largest difference of a weight for fp32 and fp16, mean and worst cosine for int8. In bold: the promise is not kept.

{table}

* **int8** is what `--quantize int8` gives; no sum of it can saturate (docs/design.md), whoever runs it.
* **int8, VNNI** is `--cpu vnni`, and what versions before that choice wrote. Our clients try one product and set
  `session.x64quantprecision` where it is not exact; the last column is what others get, who do not.
* The first row is the machine on which the command ran, the others are emulated by qemu-user, which has no processor
  with VNNI; WebAssembly is onnxruntime-web in Node.
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A processor.

    Attributes:
        name: For the table.
        emulator: What a command line begins with to run there.
        aarch64: Whether it is no x86-64.
    """

    name: str
    emulator: tuple[str, ...] = ()
    aarch64: bool = False


HOSTS = (
    Host(processor_name()),
    Host("Haswell: AVX2, no VNNI", ("qemu-x86_64", "-cpu", "Haswell")),
    Host("Sandy Bridge: AVX", ("qemu-x86_64", "-cpu", "SandyBridge")),
    Host("Nehalem: SSE4.2", ("qemu-x86_64", "-cpu", "Nehalem")),
    Host("Cortex-A72: aarch64", ("qemu-aarch64", "-cpu", "cortex-a72"), aarch64=True),
    Host("Neoverse N1: aarch64, dot products", ("qemu-aarch64", "-cpu", "neoverse-n1"), aarch64=True),
    Host("qemu's max: aarch64, matrix products", ("qemu-aarch64", "-cpu", "max"), aarch64=True),
)


def main() -> None:
    bundles = _bundles()
    rows, missed = [], []
    for host in HOSTS:
        _say(host.name)
        reports = replay(host, list(bundles.values()), EVERY)
        rows.append((host.name, reports))
    _say("WebAssembly")
    rows.append(("WebAssembly", in_webassembly(bundles)))
    for name, reports in rows:
        for column, report in zip(bundles, reports, strict=True):
            missed += [f"{name}, {column}: {miss}" for miss in misses(column, report) if column != UNMENDED]
    TARGET.write_text(TEXT.format(table=_table(list(bundles), rows)), encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))
    if missed:
        sys.exit("\n".join(missed))


def replay(host: Host, bundles: Sequence[Path], every: int = 1) -> list[dict[str, Any]]:
    """Return what scripts/replay_golden.py reports of each bundle on a processor.

    Raises:
        subprocess.CalledProcessError: It did not end well; its last words are on standard error.
    """
    command, modules = [*host.emulator], [ROOT / "clients" / "python"]
    if host.aarch64:
        folder = BUILD / "aarch64"
        command += ["-L", str(folder), str(aarch64.install(folder))]
        modules.append(folder / "site")
    else:
        command.append(sys.executable)
    command += [str(ROOT / "scripts" / "replay_golden.py"), "--every", str(every)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, modules))}
    return [_replay([*command, str(bundle)], environment) for bundle in bundles]


def _replay(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode >= 0:
            break
    if done.returncode:
        sys.stderr.write(done.stderr[-2000:])
        done.check_returncode()
    (line,) = done.stdout.splitlines()
    report: dict[str, Any] = json.loads(line)
    return report


def misses(column: str, report: dict[str, Any]) -> list[str]:
    """Return what a report misses of the promise of its precision, one sentence each."""
    if "error" in report:
        return [report["error"]]
    promise = TOLERANCES[column.partition(",")[0]]
    return [miss for way in ("alone", "padded") for miss in Distance(**report[way]).misses(promise)]


def in_webassembly(bundles: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Return the report of each bundle, run by onnxruntime-web in Node."""
    reports = []
    version = json.loads((ROOT / "clients" / "node_modules" / "onnxruntime-web" / "package.json").read_bytes())
    for path in bundles.values():
        with WebAssembly(path) as sessions:
            (report,) = replay_golden.replay(open_bundle(path), sessions, EVERY)
        reports.append({**report, "onnxruntime": f"{version['version']} (web)"})
    return reports


class WebAssembly:
    """Stands in for `sparse_client.bundle.sessions.Sessions`: runs a bundle's graphs in a Node of its own."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        script = ROOT / "clients" / "web" / "run-graphs.mjs"
        self._node = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._node.communicate()

    def run(self, graph: str, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Run one graph, as `Sessions.run` does."""
        given = {
            name: {"type": str(array.dtype), "dims": array.shape, "data": array.reshape(-1).tolist()}
            for name, array in inputs.items()
        }
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        request = {"graph": str(self._bundle / graph), "inputs": given, "wanted": list(wanted)}
        self._node.stdin.write(json.dumps(request) + "\n")
        self._node.stdin.flush()
        outputs = json.loads(self._node.stdout.readline())
        return {name: np.array(one["data"]).reshape(one["dims"]) for name, one in outputs.items()}


def unmended(bundle: Path, copy: Path) -> Path:
    """Copy a bundle of `--cpu vnni` so that our clients treat it as others would: nothing is made exact."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_bytes())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "cpu": "any"}), encoding="utf-8")
    return copy


def _bundles() -> dict[str, Path]:
    """Return the bundles by the heads of their columns, exported anew."""
    found = {}
    for name, options in EXPORTS.items():
        found[name] = BUILD / "bundles" / name.replace(", ", "-")
        found[name].parent.mkdir(parents=True, exist_ok=True)
        _say(f"Exporting {name}")
        command: list[str | Path] = [
            Path(sys.executable).with_name("sparse-export"),
            "--model",
            ROOT / "models" / "splade-tiny",
        ]
        subprocess.run([*command, "--output", found[name], "--force", *options], check=True, stdout=subprocess.DEVNULL)
    vnni = found["int8, VNNI"]
    return {**found, UNMENDED: unmended(vnni, vnni.with_name("not-made-exact"))}


def _table(columns: list[str], rows: Sequence[tuple[str, list[dict[str, Any]]]]) -> str:
    lines = [["processor", "ONNX Runtime", *columns], ["---"] * (len(columns) + 2)]
    for name, reports in rows:
        cells = [_cell(*pair) for pair in zip(columns, reports, strict=True)]
        lines.append([name, reports[0]["onnxruntime"], *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(column: str, report: dict[str, Any]) -> str:
    if "error" in report:
        return f"**{report['error']}**"
    sides = [Distance(**report[way]) for way in ("alone", "padded")]
    if column.startswith("int8"):
        means, worst = zip(*((side.mean_cosine, side.worst_cosine) for side in sides), strict=True)
        text = f"{min(means):.5f}, {min(worst):.4f}"
    else:
        text = f"{max(side.max_difference for side in sides):.0e}"
    return f"**{text}**" if misses(column, report) else text


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
