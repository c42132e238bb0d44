"""Find a Python that the steps of the server can run in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sparse_export.errors import ServerError

# The server's own steps speak these, and numpy 1, which they need, is not built for anything newer.
VERSIONS = ("3.12", "3.11")
LIBRARY = "libpython{}.so.1.0"
ASK = """
import json, sys, sysconfig
print(json.dumps(["%d.%d" % sys.version_info[:2], sysconfig.get_config_var("LIBDIR")]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python and its shared library.

    Attributes:
        executable: The interpreter.
        version: As in "3.11".
        library: The shared library that programs load which embed it.
    """

    executable: Path
    version: str
    library: Path


def find() -> Interpreter:
    """Return a Python of a version in `VERSIONS` that has its shared library: this one, or one on the PATH.

    Raises:
        ServerError: There is none.
    """
    tried = []
    for executable in _candidates():
        found = _examine(executable)
        if isinstance(found, Interpreter):
            return found
        tried.append(found)
    raise ServerError(
        f"The server's steps need a Python {', '.join(VERSIONS)} with its shared library, and there is none here "
        f"({'; '.join(tried)}). On Debian and Ubuntu: apt install libpython3.11 for the system's python3.11."
    )


def _candidates() -> list[Path]:
    # The base of a virtual environment, not the environment: it may be removed.
    named = [getattr(sys, "_base_executable", sys.executable)]
    named += [found for version in VERSIONS if (found := shutil.which(f"python{version}"))]
    return list(dict.fromkeys(map(Path, named)))


def _examine(executable: Path) -> Interpreter | str:
    """Return the interpreter, or what it lacks."""
    try:
        answer = subprocess.run([executable, "-I", "-c", ASK], capture_output=True, text=True, check=True, timeout=60)
        version, folder = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return f"{executable} does not run"
    if version not in VERSIONS:
        return f"{executable} is {version}"
    name = LIBRARY.format(version)
    library = next((path for path in _places(name, folder, executable) if path.is_file()), None)
    return f"{executable} lacks {name}" if library is None else Interpreter(executable, version, library)


def _places(name: str, folder: str | None, executable: Path) -> list[Path]:
    folders = [Path(folder)] if folder else []
    folders += [executable.resolve().parents[1] / "lib"]
    system = [Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib")]
    folders += [path for root in system for path in (root, *root.glob("*-linux-gnu"))]
    return [path / name for path in folders]
