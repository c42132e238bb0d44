"""Run sparse-export on a trained checkpoint, as a command: the two packages do not import each other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from sparse_train.errors import ExportError


def export_command() -> str:
    """Return the command sparse-export: the one beside this Python, else on PATH.

    Raises:
        ExportError: it is not installed.
    """
    beside = Path(sys.executable).with_name("sparse-export")
    command = str(beside) if beside.is_file() else shutil.which("sparse-export")
    if command is None:
        raise ExportError("--export: the command sparse-export is not installed.")
    return command


def export(checkpoint: Path, bundle: Path, *, force: bool = False) -> None:
    """Export a checkpoint to a verified bundle; its output goes to the terminal.

    Raises:
        ExportError: the export failed; what it said stands above.
    """
    arguments = [export_command(), "--model", str(checkpoint), "--output", str(bundle)]
    done = subprocess.run([*arguments, *(["--force"] if force else [])], check=False)
    if done.returncode:
        raise ExportError(f"{checkpoint} is trained, but sparse-export failed with exit code {done.returncode}.")
