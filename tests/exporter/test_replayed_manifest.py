"""A manifest that says of a route what is not so is found by every verify, each field broken on purpose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparse_client
from sparse_client.errors import SparseClientError
from sparse_export import ExportOptions, Precision, SparseExportError, verify
from sparse_export.pipeline.export import export
from support.tiny_checkpoints import save_csr, save_inference_free, save_splade, save_two_towers

Content = dict[str, Any]
PROMPTS = {"query": "search engine: ", "document": "museum "}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny bundle of each kind; copy it before changing it."""
    folder = tmp_path_factory.mktemp("replayed")
    models = {
        "two towers": save_two_towers(folder / "towers", prompts=PROMPTS),
        "look-up": save_inference_free(folder / "look-up", prompts=PROMPTS),
        "limited": save_inference_free(folder / "limited", max_active_dims=12),
        "one graph": save_splade(folder / "splade", prompts=PROMPTS),
        "features": save_csr(folder / "csr"),
    }
    for name, model in models.items():
        export(ExportOptions(str(model), folder / "bundles" / name, precision=Precision.FP32))
    return {name: folder / "bundles" / name for name in models}


def route(name: str, **changes: Any) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["routes"][name].update(changes)
        if "prompt" in changes:  # also where the manifest says it a second time
            content["prompts"][name] = changes["prompt"]
        if name == "document" and "max_length" in changes:
            content["max_length"] = changes["max_length"]

    return change


def put(**changes: Any) -> Callable[[Content], None]:
    return lambda content: content.update(changes)


WRONG: dict[str, tuple[str, Callable[[Content], None]]] = {
    "queries through documents": ("two towers", route("query", graph="document.onnx")),
    "documents through queries": ("two towers", route("document", graph="query.onnx")),
    "looked up queries through documents": ("look-up", route("query", graph="document.onnx")),
    "no prompt": ("one graph", route("query", prompt="")),
    "another prompt": ("two towers", route("document", prompt="fish ")),
    "no prompt of a look-up": ("look-up", route("query", prompt="")),
    "special tokens in a look-up": ("look-up", route("query", add_special_tokens=True)),
    "no special tokens": ("one graph", route("document", add_special_tokens=False)),
    "a shorter text": ("one graph", route("document", max_length=20)),
    "a longer text": ("two towers", route("query", max_length=70)),
    "no limit of a text": ("one graph", route("query", max_length=None)),
    "no golden vectors": ("look-up", lambda content: content["files"].pop("golden.jsonl")),
    "another tokenizer": ("look-up", lambda content: content["routes"]["query"].update(tokenizer="golden.jsonl")),
    "dense output": ("one graph", put(output="dense")),
    "dense input": ("features", put(input="embedding")),
    "a smaller limit": ("features", put(max_active_dims=8)),
    "a larger limit": ("features", put(max_active_dims=17)),
    "no limit": ("features", put(max_active_dims=None)),
    "a limit": ("one graph", put(max_active_dims=3)),
    "no limit of a look-up": ("limited", put(max_active_dims=None)),
    "a smaller dimension": ("one graph", put(dimension=30)),
    "a larger dimension": ("one graph", put(dimension=600)),
    "no query route's vectors": (
        "two towers",
        lambda content: content["routes"].update(passage=content["routes"]["query"]),
    ),
    "prompts that contradict": ("one graph", put(prompts={"query": "", "document": ""})),
    "a length that contradicts": ("one graph", put(max_length=9)),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_found(case: str, bundles: dict[str, Path], tmp_path: Path) -> None:
    kind, change = WRONG[case]
    bundle = shutil.copytree(bundles[kind], tmp_path / "bundle")
    content = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    (bundle / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SparseExportError):
        verify(bundle)
    assert not client_passes(bundle)


def client_passes(bundle: Path) -> bool:
    try:
        return sparse_client.verify(bundle).passed
    except SparseClientError:
        return False


@pytest.mark.parametrize("kind", ["two towers", "look-up", "limited", "one graph", "features"])
def test_what_is_right_passes(kind: str, bundles: dict[str, Path]) -> None:
    assert set(verify(bundles[kind])) == {"document", "query"}
    assert client_passes(bundles[kind])


def test_a_table_that_is_not_the_graph_is_found(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Python and Node look queries up in the table, servers run the graph: both are replayed."""
    import hashlib

    from safetensors.numpy import load_file, save_file

    bundle = shutil.copytree(bundles["look-up"], tmp_path / "bundle")
    path = bundle / "query_table.safetensors"
    save_file({"weights": load_file(path)["weights"] * 1.01}, path)
    content = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    content["files"][path.name]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SparseExportError, match="query: largest difference"):
        verify(bundle)
    assert not client_passes(bundle)


def test_an_older_bundle_still_passes(bundles: dict[str, Path], tmp_path: Path) -> None:
    """Golden vectors of documents alone, no precision of a route, no processor: where both routes are one."""
    import hashlib

    model = save_splade(tmp_path / "model")
    bundle = tmp_path / "bundle"
    content = json.loads(export(ExportOptions(str(model), bundle)).to_json())
    lines = (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    golden = "".join(line for line in lines if json.loads(line)["route"] == "document").encode()
    (bundle / "golden.jsonl").write_bytes(golden)
    content["files"]["golden.jsonl"] = {"sha256": hashlib.sha256(golden).hexdigest(), "size": len(golden)}
    for entry in content["routes"].values():
        del entry["precision"]
    del content["proven_on"]
    (bundle / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    assert set(verify(bundle)) == {"document"}
    assert client_passes(bundle)
