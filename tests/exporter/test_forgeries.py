"""A manifest that is damaged or forged, and files changed together with their checksums, end in one line."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx_ir as ir
import pytest

from support.commands import error_of

Damage = Callable[[Path], object]


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that may be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def change_manifest(change: Callable[[dict[str, Any]], object]) -> Damage:
    def damage(bundle: Path) -> None:
        content = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        change(content)
        (bundle / "manifest.json").write_text(json.dumps(content), encoding="utf-8")

    return damage


def put(**values: Any) -> Damage:
    return change_manifest(lambda content: content.update(values))


def write_manifest(text: str | bytes) -> Damage:
    data = text.encode() if isinstance(text, str) else text
    return lambda bundle: (bundle / "manifest.json").write_bytes(data)


def add_file(name: str) -> Damage:
    """Name one more file in the manifest, as if it had always been there."""

    def change(content: dict[str, Any]) -> None:
        content["files"][name] = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}

    return change_manifest(change)


def forge(name: str, change: Callable[[bytes], bytes]) -> Damage:
    """Change a file together with its checksum."""

    def damage(bundle: Path) -> None:
        data = change((bundle / name).read_bytes())
        (bundle / name).write_bytes(data)
        entry = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        change_manifest(lambda content: content["files"].update({name: entry}))(bundle)

    return damage


def forge_golden(**values: Any) -> Damage:
    """Change the first golden vector."""

    def change(data: bytes) -> bytes:
        first, rest = data.split(b"\n", 1)
        return json.dumps({**json.loads(first), **values}).encode() + b"\n" + rest

    return forge("golden.jsonl", change)


MANIFESTS: dict[str, tuple[Damage, str]] = {
    "missing": (lambda bundle: (bundle / "manifest.json").unlink(), "is not a bundle: it has no manifest.json"),
    "a folder": (lambda bundle: [(bundle / "manifest.json").unlink(), (bundle / "manifest.json").mkdir()], "directory"),
    "no JSON": (write_manifest("{"), "manifest.json is broken: it is not valid JSON"),
    "no UTF-8": (write_manifest(b'{"\xff": 1}'), "manifest.json is broken: it is not valid JSON"),
    "too deep": (write_manifest("[" * 10**5), "manifest.json is broken: it is not valid JSON"),
    "no object": (write_manifest("[]"), "manifest.json is broken: it is not a JSON object"),
    "newer": (put(format_version=2), "has bundle format 2, this version reads 1 at most: upgrade it"),
    "no version": (change_manifest(lambda content: content.pop("format_version")), "'format_version' is None"),
    "odd version": (put(format_version="1"), "'format_version' is '1'"),
    "boolean version": (put(format_version=True), "'format_version' is True"),
    "version 0": (put(format_version=0), "'format_version' is 0"),
    "no files": (change_manifest(lambda content: content.pop("files")), "'files' is missing"),
    "no family": (change_manifest(lambda content: content.pop("family")), "'family' is missing"),
    "files a list": (put(files=["document.onnx"]), "'files' is ['document.onnx'], expected an object"),
    "file a number": (put(files={"document.onnx": 1}), "'files.document.onnx' is 1, expected an object"),
    "file without sum": (put(files={"document.onnx": {"size": 1}}), "'files.document.onnx.sha256' is missing"),
    "size a word": (put(files={"x": {"size": "1", "sha256": ""}}), "'files.x.size' is '1', expected a whole number"),
    "routes null": (put(routes=None), "'routes' is None, expected an object"),
    "no routes": (put(routes={}), "'routes.document' is missing"),
    "route a word": (put(routes={"document": "x"}), "'routes.document' is 'x', expected an object"),
    "route without graph": (
        put(routes={"document": {"tokenizer": "tokenizer.json", "prompt": ""}}),
        "'routes.document.graph' is missing",
    ),
    "prompt null": (
        change_manifest(lambda content: content["routes"]["document"].update(prompt=None)),
        "'routes.document.prompt' is None, expected a text",
    ),
    "unlisted graph": (
        change_manifest(lambda content: content["routes"]["query"].update(graph="other.onnx")),
        "route 'query' uses 'other.onnx', which is not among its 'files'",
    ),
    "empty pruning": (put(pruning={}), "'pruning.kept' is missing"),
    "no loss": (
        put(pruning={"kept": 1, "dropped": 1, "share_dropped": 0.5, "texts": 9, "min_count": 1, "held_out": {}}),
        "'pruning.held_out.texts' is missing",
    ),
    "unlisted golden": (change_manifest(lambda content: content["files"].pop("golden.jsonl")), "has no golden.jsonl"),
    "sensitivity a list": (put(sensitivity=[]), "'sensitivity' is [], expected an object"),
    "dimension a word": (put(dimension="512"), "'dimension' is '512', expected a whole number"),
    "a tolerance of splade": (
        put(tolerance={"mean_cosine": 0.1, "worst_cosine": 0.1, "overlap": 0.1}),
        "'tolerance' is for int8 of the family csr, not for fp32 of splade",
    ),
    "unknown precision": (put(precision="int4"), "the precision 'int4', known are fp32, fp16, int8"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_damaged_manifest(bundle: Path, case: str) -> None:
    damage, message = MANIFESTS[case]
    damage(bundle)
    error = error_of("verify", bundle)
    assert message in error
    assert str(bundle) in error


OUTSIDE: dict[str, tuple[str, Damage]] = {
    "up": ("../secret", lambda bundle: None),
    "up in the middle": ("a/../../secret", lambda bundle: None),
    "link": ("link", lambda bundle: (bundle / "link").symlink_to("../secret")),
    "through a linked folder": ("linked/secret", lambda bundle: (bundle / "linked").symlink_to("..")),
    "null": ("x\0", lambda bundle: None),
}


@pytest.mark.parametrize("case", [*OUTSIDE, "absolute"])
def test_a_path_out_of_the_bundle(bundle: Path, tmp_path: Path, case: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    name, damage = OUTSIDE.get(case, (str(tmp_path / "secret"), lambda bundle: None))
    damage(bundle)
    add_file(name)(bundle)
    for command in ("verify", "inspect"):
        assert f"names {name!r}, which leads outside the bundle" in error_of(command, bundle)


FORGERIES: dict[str, tuple[Damage, str]] = {
    "values": (forge_golden(indices=[5], values=[1.0]), "largest difference .* is above 1e-04"),
    "token ids": (forge_golden(input_ids=[2, 5, 3]), "other token ids than PyTorch's for"),
    "text": (forge_golden(text="the whale"), "other token ids than PyTorch's for"),
    "text a number": (forge_golden(text=7), "line 1 is not a golden vector"),
    "ids a word": (forge_golden(input_ids="2"), "line 1 is not a golden vector"),
    "ids words": (forge_golden(input_ids=["2"]), "other token ids than PyTorch's for"),
    "uneven": (forge_golden(indices=[5, 6], values=[1.0]), "line 1 is not a golden vector"),
    "values words": (forge_golden(values=["x"]), "line 1 is not a golden vector"),
    "unknown route": (forge_golden(route="passage"), "line 1 has the route 'passage', the bundle has document, query"),
    "route a number": (forge_golden(route=1), "line 1 is not a golden vector"),
    "no JSON": (forge("golden.jsonl", lambda data: data + b"{"), r"line \d+ is not a golden vector"),
    "no object": (forge("golden.jsonl", lambda data: b"[]\n"), "line 1 is not a golden vector"),
    "no UTF-8": (forge("golden.jsonl", lambda data: b'{"\xff'), "line 1 is not a golden vector"),
    "no vector": (forge("golden.jsonl", lambda data: b""), "golden.jsonl is empty"),
    "no tokenizer": (forge("tokenizer.json", lambda data: data[:100]), "tokenizer.json is not a tokenizer"),
    "no graph": (forge("document.onnx", lambda data: data[:1000]), "document.onnx cannot be loaded"),
    "empty graph": (forge("document.onnx", lambda data: b""), "document.onnx cannot be loaded"),
    "other graph": (lambda bundle: swap_graphs(bundle), "document.onnx .* gives tokens, not indices, values"),
}


def swap_graphs(bundle: Path) -> None:
    other = (bundle / "decode.onnx").read_bytes()
    forge("document.onnx", lambda data: other)(bundle)


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forgery_with_matching_checksums(bundle: Path, case: str) -> None:
    damage, message = FORGERIES[case]
    damage(bundle)
    error = error_of("verify", bundle)
    assert re.search(message, error), error


def test_a_changed_weight_is_not_pytorch(bundle: Path) -> None:
    model = ir.load(bundle / "document.onnx")
    floats = [value for value in model.graph.initializers.values() if value.dtype == ir.DataType.FLOAT]
    largest = max(floats, key=lambda value: value.const_value.size)
    largest.const_value = ir.tensor(largest.const_value.numpy() * 1.01, name=largest.name)
    ir.save(model, bundle / "document.onnx")
    forge("document.onnx", lambda data: data)(bundle)
    assert "(fp32) differs from PyTorch by more than it may" in error_of("verify", bundle)
