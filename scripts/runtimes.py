"""Replay golden vectors with one ONNX Runtime after another, and write the table of docs/runtimes.md.

    python scripts/runtimes.py [--bundles FOLDER]

Exports a bundle per backbone, pooling and precision, to build/runtimes/bundles, unless FOLDER has some. Each version of
onnxruntime has a folder of its own, with numpy and nothing else. Ends with 1 if a vector is further from PyTorch than
the bundle's precision promises, alone or in a padded batch, or if a graph does not load.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "runtimes"
PAGE = ROOT / "docs" / "runtimes.md"
BEGIN, END = "<!-- written by `make runtimes` -->\n", "<!-- end -->\n"
# The last release of every second minor version from the oldest on, and what NVIDIA's images carry.
VERSIONS = ("1.19.2", "1.20.1", "1.21.0", "1.21.1", "1.22.0", "1.23.2", "1.24.4", "1.25.1", "1.27.0", "1.30.0")
NEWEST = metadata.version("onnxruntime")
NUMPY = "2.2.6"  # all of these take it

Report = dict[str, Any]


class RuntimesError(Exception):
    """An environment cannot be made; the message says why."""


def environment(version: str) -> Path:
    """Return the folder of packages of one onnxruntime, installed when it is first asked for.

    Raises:
        RuntimesError: If pip fails.
    """
    folder = BUILD / f"onnxruntime-{version}-python-{sys.version_info.major}.{sys.version_info.minor}"
    if folder.is_dir():
        return folder
    BUILD.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{version}.", dir=BUILD))
    try:
        pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target")
        packages = (f"onnxruntime=={version}", f"numpy=={NUMPY}")
        done = subprocess.run((*pip, temporary, *packages), capture_output=True, text=True)
        if done.returncode:
            raise RuntimesError(f"pip cannot install {' and '.join(packages)}: {done.stderr.strip()[-500:]}")
        if not folder.is_dir():  # else another process was quicker
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def replay(version: str, bundle: Path) -> list[Report]:
    """Return what scripts/replay_golden.py says of each route; a process that crashes gives a report with `error`."""
    paths = os.pathsep.join(map(str, (environment(version), ROOT / "clients" / "python")))
    # -S: not a package of the environment that this runs in.
    command = (sys.executable, "-S", ROOT / "scripts" / "replay_golden.py", "--vectors", bundle)
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return [{"route": "all", "error": f"the process ended with {done.returncode}: {last}"}]
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(report: Report) -> list[str]:
    """Return what is wrong, one sentence each."""
    return [report["error"]] if "error" in report else report["misses"]


def to_pytorch(report: Report, _newest: Report) -> str:
    """Show the largest difference of a weight from PyTorch's."""
    return f"{max(report[way]['max_difference'] for way in ('alone', 'padded')):.0e}"


def cosine(report: Report, _newest: Report) -> str:
    """Show the smallest cosine to a vector of PyTorch's."""
    return f"{min(report[way]['worst_cosine'] for way in ('alone', 'padded')):.4f}"


def to_newest(report: Report, newest: Report) -> str:
    """Show the largest difference of a weight from what the newest onnxruntime computes."""
    ours, theirs = ([dict(zip(*pair, strict=True)) for pair in one["vectors"]] for one in (report, newest))
    pairs = zip(ours, theirs, strict=True)
    return f"{max(abs(one.get(key, 0) - other.get(key, 0)) for one, other in pairs for key in one | other):.0e}"


TABLES: tuple[tuple[str, str, Callable[[Report, Report], str]], ...] = (
    ("fp32", "fp32: largest difference of a weight from PyTorch (promised: 1e-04)", to_pytorch),
    ("fp16", "fp16: largest difference of a weight from PyTorch (promised: 2e-02)", to_pytorch),
    ("int8", "int8: smallest cosine to a vector of PyTorch's (promised: 0.98)", cosine),
    ("int8", f"int8: largest difference of a weight from onnxruntime {NEWEST}", to_newest),
)


def table(title: str, rows: dict[str, dict[str, Report]], show: Callable[[Report, Report], str]) -> list[str]:
    """Return one table in Markdown, a row per bundle and a column per version; what is wrong is bold."""
    versions = [*VERSIONS, NEWEST]
    lines = ["", f"### {title}", "", f"| bundle | {' | '.join(versions)} |", f"| --- {'| --- ' * len(versions)}|"]
    for name, reports in rows.items():
        cells = []
        for version in versions:
            report, newest = reports.get(version, {"error": "no report"}), reports[NEWEST]
            shown = "fails" if "error" in report or "error" in newest else show(report, newest)
            cells.append(f"**{shown}**" if faults(report) else shown)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def measure(bundles: Sequence[Path]) -> tuple[dict[str, dict[str, dict[str, Report]]], list[str]]:
    """Return the reports by precision, bundle and version, and a sentence for whatever is wrong."""
    rows: dict[str, dict[str, dict[str, Report]]] = {"fp32": {}, "fp16": {}, "int8": {}}
    wrong = []
    for version in (*VERSIONS, NEWEST):
        for bundle in bundles:
            name, _, precision = bundle.name.rpartition("-")
            for report in replay(version, bundle):
                label = f"{name}, query" if report["route"] == "query" else name
                rows[precision].setdefault(label, {})[version] = report
                wrong += [f"{version}, {label}, {precision}: {fault}" for fault in faults(report)]
        print(f"{version}: {len(bundles)} bundles, {len(wrong)} faults so far", file=sys.stderr)
    return rows, wrong


def write(lines: Sequence[str]) -> None:
    """Put the tables between the marks of docs/runtimes.md."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n\n" + END + after, "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundles", type=Path, help="Folder of bundles that exist, instead of exporting them.")
    folder: Path | None = parser.parse_args().bundles
    if folder is None:
        from runtimes_bundles import export_all

        folder = export_all(BUILD / "bundles")
    rows, wrong = measure(sorted(path.parent for path in folder.glob("*/manifest.json")))
    write([line for precision, title, show in TABLES for line in table(title, rows[precision], show)])
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
