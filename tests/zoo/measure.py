"""Export the checkpoint of a row with the command, as a user does, and note what comes of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.rows import Row

PROGRAM = Path(sys.executable).with_name("sparse-export")
POLL_SECONDS = 0.1
QUANTIZE = {"fp32": "none", "int8": "int8"}


@dataclass(frozen=True, slots=True)
class Export:
    """What an export gave.

    Attributes:
        difference: Largest difference of a weight from PyTorch's, alone or in a padded batch; None where refused.
        cosine: Mean cosine to PyTorch's vectors; None where refused.
        seconds: Of the whole command.
        peak_mb: Memory of its process.
        refused: The sentence with which it was refused.
    """

    difference: float | None = None
    cosine: float | None = None
    seconds: float = 0.0
    peak_mb: int = 0
    refused: str | None = None


def export(row: Row, checkpoint: Path, bundle: Path, precision: str) -> Export:
    """Export and verify.

    Raises:
        RuntimeError: The command ended in another way than with a bundle that passes or a sentence.
    """
    command = [PROGRAM, "--model", checkpoint, "--output", bundle, "--quantize", QUANTIZE[precision], *row.options]
    started = time.perf_counter()
    code, errors, peak_mb = _run([*map(str, command)])
    seconds = round(time.perf_counter() - started, 1)
    lines = [line for line in errors.splitlines() if line.startswith("Error: ")]
    if code == 1 and len(lines) == 1 and "Traceback" not in errors:
        sentence = lines[0].removeprefix("Error: ").replace(str(checkpoint), row.ids[0])
        return Export(seconds=seconds, peak_mb=peak_mb, refused=sentence.replace(checkpoint.name, row.ids[0]))
    if code != 0:
        raise RuntimeError(f"{row.name} in {precision}: {errors}")
    code, errors, _ = _run([str(PROGRAM), "verify", str(bundle)])
    if code != 0:
        raise RuntimeError(f"{row.name} in {precision} is not verified: {errors}")
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    reports: list[dict[str, Any]] = [
        route[name] for route in manifest["parity"].values() for name in ("alone", "padded")
    ]
    return Export(
        difference=max(report["max_difference"] for report in reports),
        cosine=min(report["mean_cosine"] for report in reports),
        seconds=seconds,
        peak_mb=peak_mb,
    )


def _run(command: list[str]) -> tuple[int, str, int]:
    """Return exit code, standard error and peak memory in MB.

    The kernel's own figure at the end (ru_maxrss) would start at what this process holds, which built a checkpoint.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        peak = 0
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):  # it has just ended
                lines = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
                peak = int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
            time.sleep(POLL_SECONDS)
        errors.seek(0)
        return process.returncode, errors.read(), round(peak * 1024 / 1e6)
