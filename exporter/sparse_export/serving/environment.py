"""The server and the Python that its steps run in, prepared once and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sparse_export.errors import ServerError
from sparse_export.serving import interpreter
from sparse_export.serving.cache import cached
from sparse_export.serving.interpreter import Interpreter

# A real tritonserver, 2.51.0 = 24.10, without the Python API around it.
DISTRIBUTION = "nvidia-pytriton==0.7.0"
# numpy 2 kills a step of this server that reads texts.
PACKAGES = ("numpy==1.26.4", "onnxruntime==1.32.0", "tokenizers==0.23.3")
SERVER, LIBRARIES = Path("pytriton", "tritonserver"), Path("nvidia_pytriton.libs")
STUB = "triton_python_backend_stub"
BACKEND = Path(__file__).with_name("backend") / "onnxruntime"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a server is started with.

    Attributes:
        server: Folder of tritonserver.
        python: Folder of the virtual environment of its steps.
    """

    server: Path
    python: Path

    @property
    def executable(self) -> Path:
        """Return tritonserver itself."""
        return self.server / SERVER / "bin" / "tritonserver"

    @property
    def caches(self) -> Path:
        """Return the folder of its response caches."""
        return self.server / SERVER / "caches"

    def link_backends(self, folder: Path) -> None:
        """Make `folder` the folder of the server's backends: its own for Python, ours for ONNX."""
        (folder / "python").symlink_to(self.server / SERVER / "backends" / "python")
        shutil.copytree(BACKEND, folder / "onnxruntime")  # a step writes bytecode beside its code


def prepare(say: Callable[[str], None], more: Sequence[str] = ()) -> Environment:
    """Return the environment; the first time, download what belongs to it.

    Args:
        say: Called with the name of each step that takes long.
        more: Packages that the steps of a repository need besides `PACKAGES`.

    Raises:
        ServerError: This machine cannot run it, or the download fails.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise ServerError("The server runs on Linux on x86_64; elsewhere, serve the repository with Triton's image.")
    python = interpreter.find()
    key = hashlib.sha256(repr(((*PACKAGES, *more), str(python.executable))).encode()).hexdigest()[:12]
    packages = cached(f"steps-{python.version}-{key}", partial(_make_python, python, more, say))
    library = hashlib.sha256(str(python.library).encode()).hexdigest()[:12]
    server = cached(f"tritonserver-{python.version}-{library}", partial(_unpack, packages, python, say))
    return Environment(server, packages)


def _make_python(python: Interpreter, more: Sequence[str], say: Callable[[str], None], folder: Path) -> None:
    say(f"Preparing Python {python.version} for the server's steps: {', '.join((*PACKAGES, *more))} (once)")
    try:
        subprocess.run([python.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise ServerError(
            f"{python.executable} cannot make a virtual environment (on Debian: apt install python3-venv): "
            f"{_last_line(error.stdout + error.stderr)}"
        ) from error
    _pip(folder, "install", "--only-binary=:all:", *PACKAGES)
    if more:  # dictionaries are published as sources alone
        _pip(folder, "install", "--prefer-binary", *PACKAGES, *more)


def _download(packages: Path, say: Callable[[str], None], folder: Path) -> None:
    say(f"Downloading tritonserver ({DISTRIBUTION}, 55 MB, once)")
    _pip(packages, "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), DISTRIBUTION)


def _unpack(packages: Path, python: Interpreter, say: Callable[[str], None], folder: Path) -> None:
    wheel = cached(DISTRIBUTION.replace("==", "-"), partial(_download, packages, say))
    say("Unpacking tritonserver")
    with zipfile.ZipFile(next(wheel.glob("*.whl"))) as archive:
        parts = [name for name in archive.namelist() if name.startswith((f"{SERVER}/", f"{LIBRARIES}/"))]
        archive.extractall(folder, parts)
    steps = folder / SERVER / "backends" / "python"
    shutil.copyfile(folder / SERVER / "python_backend_stubs" / python.version / STUB, steps / STUB)
    for program in (steps / STUB, folder / SERVER / "bin" / "tritonserver"):
        program.chmod(0o755)
    # The step program looks for libraries there.
    (folder / LIBRARIES / python.library.name).symlink_to(python.library)


def _pip(folder: Path, *arguments: str) -> None:
    shown = sys.stderr.isatty()  # with its progress bar
    command = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, stdout=sys.stderr if shown else subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise ServerError(
            f"'pip {arguments[0]} {' '.join(arguments[-3:])}' failed; the first start of the server needs a package "
            f"index, later ones do not. It said: {_last_line(done.stderr)}"
        )


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["nothing"])[-1]
