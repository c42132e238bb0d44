"""What can be known of images and clusters without an engine: files parse, and agree with what they serve."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparse_export.triton.names import Names

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
MODELS = {path.parent.name for path in (ROOT / "model_repository").glob("*/config.pbtxt")}
PINS = {*re.findall(r"^[a-z0-9-]+==\S+", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)}
PORTS = {"http": 8000, "grpc": 8001, "metrics": 8002}


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def test_the_demo_is_what_all_of_them_serve() -> None:
    names = Names("splade")
    assert {
        names.tokenize,
        names.encoder("document"),
        names.decode,
        *map(names.ensemble, ("document", "query")),
    } == MODELS


def unpinned(dockerfile: str) -> list[str]:
    """Return what is installed in another version than the tested one, or in whatever version is the newest."""
    steps = re.findall(r"^RUN (.+)$", dockerfile.replace("\\\n", " "), re.MULTILINE)
    found = []
    for step in steps:
        constrained = "PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt" in step
        asked = re.findall(r"pip install ([^&;|]+)", step)
        packages = [word for words in asked for word in words.split() if not word.startswith("-")]
        found += [one for one in packages if one not in PINS and ("==" in one or not constrained)]
    return found


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("pip install click==1.0", ["click==1.0"]),
        ("true \\\n    && pip install --no-cache-dir click .", ["click", "."]),
        ("export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt && pip install click .", []),
    ],
)
def test_another_version_is_noticed(step: str, wrong: list[str]) -> None:
    assert unpinned(f"FROM python\nRUN {step}\nUSER 1000\n") == wrong


@pytest.mark.parametrize("name", ["triton.Dockerfile", "triton-cpu.Dockerfile"])
def test_dockerfiles(name: str) -> None:
    text = (DOCKER / name).read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", text, re.MULTILINE)
    sources = {source.replace("${REPOSITORY}", "model_repository") for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in sources), sources
    assert unpinned(text) == []
    if "pip install --no-cache-dir ." in text:
        where = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]
        assert set(where["where"]) <= sources, "the package is built from all of its folders"
    model = re.search(r"^ENV MODEL=(\S+)$", text, re.MULTILINE)
    assert model is not None
    assert f"{model[1]}_document" in MODELS
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{source}" for source in sources} <= {*kept}, "the context has what is copied"


def test_compose() -> None:
    (content,) = documents(DOCKER / "compose.yaml")
    for service in content["services"].values():
        assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert service["ports"] == [f"127.0.0.1:{port}:{port}" for port in PORTS.values()]
        assert service["shm_size"] == "1gb"
        assert service["healthcheck"]["test"][-1] in MODELS
        (volume,) = service["volumes"]
        assert (DOCKER / volume.split(":")[0]).is_dir()


def test_kubernetes() -> None:
    found = {
        document["kind"]: document for path in (DOCKER / "kubernetes").glob("*.yaml") for document in documents(path)
    }
    deployment, service, scaler = (found[kind] for kind in ("Deployment", "Service", "HorizontalPodAutoscaler"))
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    (container,) = pod["spec"]["containers"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == PORTS
    assert {port["name"]: port["port"] for port in service["spec"]["ports"]} == PORTS
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"][-1] in MODELS
    shared = {volume["name"]: volume["emptyDir"] for volume in pod["spec"]["volumes"]}
    assert shared["shm"]["medium"] == "Memory"
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/dev/shm"]
