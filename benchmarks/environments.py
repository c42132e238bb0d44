"""The environments of the contenders: each has its list of pinned requirements, and is made when it is first needed.

Peers have versions of their own, because they need others than we do; ours is pinned by constraints.txt, as .venv is.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from contender import LAST_LINES, ContenderError
from passages import ROOT

LISTS = ROOT / "benchmarks" / "environments"
ENVIRONMENTS = ROOT / "build" / "bench" / "environments"
PINNED_BY = "-c ../../constraints.txt"


def python_of(name: str) -> Path:
    """Return the interpreter of an environment; one whose list, or what it is constrained by, has changed is made anew.

    Args:
        name: of a list in benchmarks/environments.

    Raises:
        ContenderError: it cannot be installed; the last lines of pip say why.
    """
    folder, wanted = ENVIRONMENTS / name, (LISTS / f"{name}.txt").read_text("utf-8")
    if PINNED_BY in wanted:
        wanted += (ROOT / "constraints.txt").read_text("utf-8")
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not (installed.exists() and installed.read_text("utf-8") == wanted):
        print(f"Installing {name}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        run(f"Making the environment {name}", sys.executable, "-m", "venv", folder)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement")
        run(f"Installing {name}", python, *pip, LISTS / f"{name}.txt")
        installed.write_text(wanted, "utf-8")
    return python


def requirements() -> dict[str, list[str]]:
    """Return what each environment consists of."""
    return {file.stem: file.read_text("utf-8").splitlines() for file in sorted(LISTS.glob("*.txt"))}


def run(what: str, *command: str | Path) -> None:
    """Run a command in the root of the repository.

    Raises:
        ContenderError: it failed.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()[-LAST_LINES:]
        raise ContenderError(f"{what} failed with exit code {done.returncode}" + "".join(f"\n    {x}" for x in lines))
