"""A Python for aarch64 below a folder, from Debian's packages and PyPI's wheels, to be run by qemu-aarch64."""

import subprocess
import sys
from pathlib import Path

PACKAGES = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6")
PYTHON = "3.11"  # of Debian 12
# Later versions of ONNX Runtime end with an illegal instruction at import in qemu 7.2.
WHEELS = ("onnxruntime==1.22.1", "numpy==2.2.6")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")


def install(folder: Path) -> Path:
    """Install into `folder`, if that is not done yet, without a trace elsewhere: apt's state and cache are there, too.

    Returns:
        The interpreter; modules are in `folder / "site"`.

    Raises:
        subprocess.CalledProcessError: apt or pip failed.
    """
    python = folder / "usr" / "bin" / f"python{PYTHON}"
    if (folder / "site" / ".complete").exists():
        return python
    for deb in _packages(folder / "apt"):
        _run("dpkg-deb", "-x", deb, folder)
    wheels = [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--upgrade")
    _run(*pip, "--only-binary=:all:", "--python-version", PYTHON, *wheels, "--target", folder / "site", *WHEELS)
    (folder / "site" / ".complete").touch()
    return python


def _packages(state: Path) -> list[Path]:
    """Download packages of another architecture with all that they need."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "state" / "status").touch()  # nothing is installed there
    options = ["-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"]
    for key, place in (("State", "state"), ("State::status", "state/status"), ("Cache", "cache")):
        options += ["-o", f"Dir::{key}={state / place}"]
    _run("apt-get", *options, "update")
    _run("apt-get", *options, "install", "-y", "--download-only", "--no-install-recommends", *PACKAGES)
    return sorted((state / "cache" / "archives").glob("*.deb"))


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
