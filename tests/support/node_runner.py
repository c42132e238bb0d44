"""Run the tests of the JavaScript clients; where Node or a package is missing, say so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
TIMEOUT = 600


def missing(what: str) -> NoReturn:
    """Skip, and say so; where nobody reads what was skipped, fail."""
    message = f"NOT TESTED: {what}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def runner() -> Callable[..., str]:
    """Return what runs Node in clients/ with variables in its environment, and fails with what it wrote."""
    program = shutil.which("node")
    if program is None:
        missing("Node 20 or newer is not installed")
    if not (CLIENTS / "node_modules").is_dir():
        missing("the packages of clients/ are not installed; `make test` does that, where npm is")

    def run(*words: str, **variables: Any) -> str:
        given = {name: json.dumps(one) if isinstance(one, dict) else str(one) for name, one in variables.items()}
        command = [program, *words]
        # Copies of bundles and profiles of browsers go with it.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            environment = {**os.environ, **given, "TMPDIR": folder}
            pipes = {"capture_output": True, "text": True}
            done = subprocess.run(command, cwd=CLIENTS, env=environment, timeout=TIMEOUT, **pipes)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
