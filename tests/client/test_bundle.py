"""A bundle that is not whole is refused when it is opened, with a message that helps."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sparse_client import BundleError, LocalEncoder


def test_a_whole_bundle_opens_with_checksums(splade_bundle: Path) -> None:
    assert LocalEncoder(splade_bundle, checksums=True).dimension == 30522


def test_a_path_that_is_no_bundle(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path, tmp_path / "absent", file):
        with pytest.raises(BundleError, match=re.escape(str(path)) + " is not a bundle: it has no manifest.json"):
            LocalEncoder(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000])
def test_a_manifest_that_is_no_json(copy: Any, content: bytes) -> None:
    (copy.path / "manifest.json").write_bytes(content)
    with pytest.raises(
        BundleError, match=r"copy.manifest\.json is broken: it is not valid JSON .* export the bundle again"
    ):
        LocalEncoder(copy.path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "not a JSON object"),
        ({}, "'format_version' is None, expected a whole number.*"),
        ({"format_version": "1"}, "'format_version' is '1', expected a whole number.*"),
        ({"format_version": True}, "'format_version' is True, expected a whole number.*"),
        ({"format_version": 1, "files": {}, "routes": {}}, "'family' is missing"),
        (
            {"format_version": 1, "files": {}, "family": "f", "dimension": 1, "output": "sparse", "routes": []},
            r"'routes' is \[\], expected an object",
        ),
    ],
)
def test_a_manifest_that_lacks_something(copy: Any, content: object, problem: str) -> None:
    (copy.path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=f"manifest.json is broken: .*{problem}; export the bundle again"):
        LocalEncoder(copy.path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"graph": "absent.onnx"}, "route 'query' uses 'absent.onnx', which is not among its 'files'"),
        ({"tokenizer": None}, "route 'query' uses None, which is not among its 'files'"),
        ({"prompt": None}, "'routes.query.prompt' is None, expected a text"),
        ({"max_length": 0}, "'routes.query.max_length' is 0, expected 1 or more"),
        ({"max_length": "512"}, "'routes.query.max_length' is '512', expected a whole number.*"),
    ],
)
def test_a_route_that_cannot_be(copy: Any, change: dict[str, Any], problem: str) -> None:
    copy.route("query", **change)
    with pytest.raises(BundleError, match=f"manifest.json is broken: {problem}"):
        LocalEncoder(copy.save())


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        (0, "'max_active_dims' is 0, expected 1 or more"),
        ("9", "'max_active_dims' is '9', expected a whole number.*"),
    ],
)
def test_a_limit_that_cannot_be(copy: Any, limit: object, problem: str) -> None:
    copy.manifest["max_active_dims"] = limit
    with pytest.raises(BundleError, match=f"manifest.json is broken: {problem}"):
        LocalEncoder(copy.save())


def test_a_newer_bundle_asks_for_an_upgrade(copy: Any) -> None:
    copy.manifest = {"format_version": 2}  # nothing else of a newer manifest may be relied on
    with pytest.raises(BundleError, match="has bundle format 2, .* reads 1 at most: upgrade"):
        LocalEncoder(copy.save())


def test_an_unknown_kind_of_output_asks_for_an_upgrade(copy: Any) -> None:
    copy.manifest["output"] = "multi-vector"
    with pytest.raises(BundleError, match="gives 'multi-vector' vectors, expected sparse, dense: upgrade"):
        LocalEncoder(copy.save())


@pytest.mark.parametrize("name", ["document.onnx", "decode.onnx", "tokenizer.json"])
def test_a_missing_file(copy: Any, name: str) -> None:
    (copy.path / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing although manifest.json names it"):
        LocalEncoder(copy.path)


def test_a_file_cut_short(copy: Any) -> None:
    file = copy.path / "document.onnx"
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"document.onnx has {size - 1} bytes, manifest.json says {size}"):
        LocalEncoder(copy.path)


def test_an_altered_file_is_seen_by_its_checksum(copy: Any) -> None:
    file = copy.path / "decode.onnx"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    LocalEncoder(copy.path)
    with pytest.raises(BundleError, match=r"decode.onnx was altered: its sha256 is not that of manifest\.json"):
        LocalEncoder(copy.path, checksums=True)


@pytest.mark.parametrize("name", ["../outside", "{outside}", "link", "loop", "nul\0"])
def test_a_name_that_leads_outside(copy: Any, name: str) -> None:
    outside = copy.path.parent / "outside"
    outside.write_bytes(b"x")
    (copy.path / "link").symlink_to(outside)
    (copy.path / "loop").symlink_to("loop")
    copy.manifest["files"][name.format(outside=outside)] = {"size": 1, "sha256": ""}
    with pytest.raises(BundleError, match="leads outside the bundle|is missing"):
        LocalEncoder(copy.save())


def test_a_bundle_may_be_reached_through_a_link(splade_bundle: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(splade_bundle, target_is_directory=True)
    assert LocalEncoder(link).encode_documents([]) == []


def test_a_file_that_is_no_graph(copy: Any) -> None:
    copy.put("document.onnx", b"no graph")
    encoder = LocalEncoder(copy.save())
    with pytest.raises(BundleError, match=r"document\.onnx cannot be loaded by onnxruntime [0-9.]+: "):
        encoder.encode_documents(["a"])


def test_a_file_that_is_no_tokenizer(copy: Any) -> None:
    copy.put("tokenizer.json", b"{}")
    encoder = LocalEncoder(copy.save())
    with pytest.raises(BundleError, match=r"tokenizer\.json is not a tokenizer"):
        encoder.encode_documents(["a"])


def test_a_tokenizer_that_draws_its_ids_at_random(copy: Any) -> None:
    tokenizer = json.loads((copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"] = {"type": "BPE", "dropout": 0.5, "vocab": tokenizer["model"]["vocab"], "merges": []}
    copy.put("tokenizer.json", json.dumps(tokenizer).encode())
    encoder = LocalEncoder(copy.save())
    with pytest.raises(BundleError, match=r"tokenizer\.json drops merges at random \(dropout is 0\.5\)"):
        encoder.encode_documents(["a"])
