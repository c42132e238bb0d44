"""What was tested is what is installed: constraints.txt pins all of it, and every other pin agrees.

`make newest` tries newer versions, so it leaves this file out.
"""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from sparse_export.serving.environment import PACKAGES

ROOT = Path(__file__).parents[1]
LISTS = sorted((ROOT / "benchmarks" / "environments").glob("*.txt"))
TEXT = (ROOT / "constraints.txt").read_text("utf-8")
LINES = [line.partition("#")[0].strip() for line in TEXT.splitlines()]
PINS = {name: Version(version) for name, _, version in (line.partition("==") for line in LINES if line)}
OWN = {"sparse-export"}
# It stands in for onnxruntime, on other machines than those that test.
NOT_INSTALLED = {"gpu"}
# The server's steps run with numpy 1: its environment is one of its own.
OTHER_IN_SERVER = {"numpy"}


def direct() -> list[Requirement]:
    """Return what pyproject.toml asks for: to build it, to run it, and with all extras that the Makefile installs."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = content["project"]["optional-dependencies"]
    wanted = content["build-system"]["requires"] + content["project"]["dependencies"]
    wanted += [one for extra in extras.keys() - NOT_INSTALLED for one in extras[extra]]
    return [required for required in map(Requirement, wanted) if canonicalize_name(required.name) not in OWN]


def test_every_direct_requirement_is_pinned_within_its_range() -> None:
    required = direct()
    assert required
    wrong = [
        f"{one}: constraints.txt has {version or 'no version'}; run `make lock`"
        for one in required
        if (version := PINS.get(canonicalize_name(one.name))) is None or version not in one.specifier
    ]
    assert wrong == []


def test_every_line_is_one_public_version() -> None:
    assert [line for line in LINES if line and not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []


def test_it_was_made_by_the_oldest_python() -> None:
    """A newer Python would take versions that the oldest cannot install, and leave out what only the oldest needs."""
    wanted = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"])
    oldest = next(f"3.{minor}" for minor in range(100) if wanted.contains(f"3.{minor}"))
    assert f"with Python {oldest}\n" in TEXT


def test_what_is_installed_is_what_is_pinned() -> None:
    installed = {canonicalize_name(one.name): Version(one.version) for one in distributions()}
    # An environment of Python 3.11 has a setuptools of its own; packages are built with the pinned one.
    wanted = {name: pin for name, pin in PINS.items() if name in installed and name != "setuptools"}
    other = {name: installed[name] for name, pin in wanted.items() if Version(installed[name].public) != pin}
    assert other == {}, "run `make check`, which installs what constraints.txt says"


def test_the_makefile_asks_for_the_same_torch() -> None:
    asked = re.findall(r"\btorch==([\d.]+)", (ROOT / "Makefile").read_text("utf-8"))
    assert [*map(Version, asked)] == [PINS["torch"]]


def test_the_server_has_the_same_versions() -> None:
    pinned = {name: Version(version) for name, _, version in (one.partition("==") for one in PACKAGES)}
    assert {name for name, version in pinned.items() if version != PINS[name]} <= OTHER_IN_SERVER


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_contenders_run_on_the_same_onnxruntime(file: Path) -> None:
    asked = re.findall(r"^onnxruntime==(\S+)$", file.read_text("utf-8"), re.MULTILINE)
    assert {*map(Version, asked)} <= {PINS["onnxruntime"]}
