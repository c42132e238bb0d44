"""One version: pyproject.toml has it, and whatever else names it says the same."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
PLACES = {
    "docker/kubernetes/deployment.yaml": r"sparse-triton-cpu:(\S+)",
    "CITATION.cff": r"^version: (\S+)",
}


def test_the_npm_packages_have_it() -> None:
    node, web = (json.loads((ROOT / "clients" / name / "package.json").read_text("utf-8")) for name in ("node", "web"))
    assert node["version"] == VERSION
    assert web["devDependencies"]["sparse-client"] == VERSION


@pytest.mark.parametrize("name", PLACES)
def test_other_files_name_it(name: str) -> None:
    found = re.findall(PLACES[name], (ROOT / name).read_text("utf-8"), re.MULTILINE)
    assert found
    assert set(found) == {VERSION}


def test_the_npm_package_has_the_licence() -> None:
    assert (ROOT / "clients" / "node" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
