"""Bundles of int8 whose products saturate on some processors, and the processor's name."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from click.testing import CliRunner

import sparse_client
from sparse_client.bundle import sessions
from sparse_client.bundle.processor import EXACT, LARGEST, PROBE, exact_products, processor_name
from sparse_client.bundle.reader import open_bundle
from sparse_client.cli.commands import main
from sparse_export.parity.runtime import host

ROOT = Path(__file__).parents[2]


def test_the_probe_is_one_product() -> None:
    a = ir.Value(name="a", type=ir.TensorType(ir.DataType.UINT8), shape=ir.Shape([1, 16]))
    w = ir.Value(name="w", const_value=ir.tensor(np.full((16, 1), 127, np.int8), name="w"))
    z = ir.Value(name="z", const_value=ir.tensor(np.uint8(128), name="z"))
    node = ir.node("MatMulInteger", [a, w, z], name="node_MatMulInteger_0")
    (y,) = node.outputs
    y.name, y.type, y.shape = "y", ir.TensorType(ir.DataType.INT32), ir.Shape([1, 1])
    graph = ir.Graph([a], [y], nodes=[node], initializers=[w, z], opset_imports={"": 18}, name="g")
    assert ir.to_proto(ir.Model(graph, ir_version=8)).SerializeToString() == PROBE


def test_node_has_the_same_probe() -> None:
    source = (ROOT / "clients" / "node" / "src" / "products.js").read_text(encoding="utf-8")
    encoded = re.findall(r'^  "([A-Za-z0-9+/=]+)"', source, re.MULTILINE)
    assert base64.b64decode("".join(encoded)) == PROBE


def test_the_probe_sees_what_saturates() -> None:
    def product(exact: str) -> int:
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", exact)
        session = onnxruntime.InferenceSession(PROBE, options, providers=["CPUExecutionProvider"])
        return int(session.run(None, {"a": np.full((1, 16), LARGEST, np.uint8)})[0].item())

    assert product("1") == EXACT
    assert (product("0") == EXACT) == exact_products()


@pytest.mark.parametrize("older", [False, True])
def test_what_saturates_is_made_exact(splade_vnni_bundle: Path, tmp_path: Path, older: bool) -> None:
    bundle = shutil.copytree(splade_vnni_bundle, tmp_path / "bundle")
    content = json.loads((bundle / "manifest.json").read_text())
    if older:
        del content["cpu"]
        (bundle / "manifest.json").write_text(json.dumps(content))
    assert open_bundle(bundle).manifest.saturates
    report = sparse_client.verify(bundle)
    assert report.passed, report.misses
    # The proof was exact, whatever the processor.
    assert report.distances["document"].mean_cosine == content["parity"]["document"]["alone"]["mean_cosine"]


@pytest.mark.parametrize(("name", "asked"), [("int8", 0), ("fp16", 0), ("vnni", 1)])
@pytest.mark.parametrize("exact", [True, False])
def test_only_what_may_saturate_is_asked_about(
    name: str, asked: int, exact: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = open_bundle(request.getfixturevalue(f"splade_{name}_bundle"))  # before the patches: it may be exported now
    calls, entries = [], []

    class Options(onnxruntime.SessionOptions):  # type: ignore[misc]
        def add_session_config_entry(self, *entry: str) -> None:
            entries.append(entry)

    def probe() -> bool:
        calls.append(1)
        return exact

    monkeypatch.setattr(sessions, "exact_products", probe)
    monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
    sessions.Sessions(bundle, threads=1).outputs("document.onnx")
    assert len(calls) == asked
    assert entries == ([("session.x64quantprecision", "1")] if asked and not exact else [])


def test_verify_names_the_processor(splade_bundle: Path) -> None:
    result = CliRunner().invoke(main, ["verify", "--bundle", str(splade_bundle)])
    assert f"on {processor_name()}, onnxruntime {onnxruntime.__version__}\n" in result.stdout


def test_both_packages_give_it_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host().processor == processor_name()
    flags = {"flags : fpu avx2 avx512_vnni": "VNNI", "flags : fpu avx2 avx_vnni": "VNNI", "flags : avx2": "no VNNI"}
    for line, vnni in flags.items():
        monkeypatch.setattr(Path, "read_text", lambda *_, text=line, **__: f"model name : A processor\n{text}\n")
        assert host().processor == processor_name() == f"A processor, {vnni}"
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "Features : fp asimd\n")
    assert host().processor == processor_name() == "aarch64"
    monkeypatch.setattr(Path, "read_text", _no_such_file)
    assert host().processor == processor_name() == "aarch64"


def _no_such_file(*_: Any, **__: Any) -> str:
    raise FileNotFoundError
