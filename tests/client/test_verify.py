"""Replaying golden vectors: every family passes, and what is broken on purpose does not."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import sparse_client
from sparse_client import BundleError, InputError, SparseVector
from sparse_client.bundle import reader
from sparse_client.bundle.reader import open_bundle
from sparse_client.bundle.sessions import CPU, CUDA, Sessions
from sparse_client.bundle.tokens import RouteTokenizer
from sparse_client.cli.commands import main
from sparse_client.parity.golden import compare, golden_by_route
from support.bundles import golden_texts

FAMILIES = ["splade_bundle", "splade_int8_bundle", "splade_fp16_bundle", "idf_bundle", "csr_bundle"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_bundle_passes(name: str, request: pytest.FixtureRequest) -> None:
    report = sparse_client.verify(request.getfixturevalue(name))
    assert report.passed, report.misses
    assert report.distances["document"].texts >= 38
    assert set(report.distances) == {"document", "query"}


def _golden(copy: Any, change: Any) -> Path:
    """Write the golden vectors of a copy anew, after changing one of them."""
    lines = (copy.path / "golden.jsonl").read_text(encoding="utf-8").split("\n")
    vectors = [json.loads(line) for line in lines if line]
    change(vectors[18])
    text = "".join(json.dumps(vector) + "\n" for vector in vectors)
    copy.put("golden.jsonl", text.encode())
    path: Path = copy.save()
    return path


def test_a_weight_that_differs_is_a_miss(copy: Any) -> None:
    def change(vector: dict[str, Any]) -> None:
        vector["values"][0] += 2e-4

    report = sparse_client.verify(_golden(copy, change))
    assert len(report.misses) == 1
    assert report.misses[0].startswith("document: largest difference 2.0")
    assert report.misses[0].endswith("is above 1e-04")


def test_a_dimension_too_many_is_a_miss(copy: Any) -> None:
    def change(vector: dict[str, Any]) -> None:
        vector["indices"].append(30521)
        vector["values"].append(1.1e-4)

    assert not sparse_client.verify(_golden(copy, change)).passed


def test_another_token_is_a_miss(copy: Any) -> None:
    report = sparse_client.verify(_golden(copy, lambda vector: vector["input_ids"].append(7)))
    assert report.misses == ("document: other token ids than PyTorch's for 'The weather is lovely today.'",)


def test_int8_is_judged_by_direction(splade_int8_bundle: Path) -> None:
    encoder = sparse_client.LocalEncoder(splade_int8_bundle)
    vectors = encoder.encode_documents(golden_texts(splade_int8_bundle)["document"])
    bundle = open_bundle(splade_int8_bundle)
    golden = golden_by_route(bundle)
    assert compare(bundle, golden, {"document": vectors}).passed
    vectors[18] = vectors[19]
    misses = compare(bundle, golden, {"document": vectors}).misses
    assert [miss.split()[1] for miss in misses] == ["mean", "worst"]  # of 39 texts one has another text's vector


def test_a_query_table_is_judged_as_fp32(idf_bundle: Path) -> None:
    texts = golden_texts(idf_bundle)
    encoder = sparse_client.LocalEncoder(idf_bundle)
    encoded = {"document": encoder.encode_documents(texts["document"]), "query": encoder.encode_queries(texts["query"])}
    one = encoded["query"][18]
    encoded["query"][18] = SparseVector(one.indices, one.values + np.float32(2e-4))
    bundle = open_bundle(idf_bundle)
    assert [miss.split(":")[0] for miss in compare(bundle, golden_by_route(bundle), encoded).misses] == ["query"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, so nothing can be replayed"),
        (b"{}\n", "line 1 is not a golden vector"),
        (b"\xff\n", "line 1 is not a golden vector"),
        (
            b'{"route":"document","text":"a","input_ids":[1],"indices":[1],"values":[1,2]}',
            "line 1 is not a golden vector",
        ),
        (
            b'{"route":"image","text":"a","input_ids":[1],"indices":[1],"values":[1]}',
            "has the route 'image', the bundle has",
        ),
    ],
)
def test_golden_vectors_that_are_none(copy: Any, content: bytes, message: str) -> None:
    copy.put("golden.jsonl", content)
    with pytest.raises(BundleError, match=message):
        sparse_client.verify(copy.save())


def test_a_bundle_without_golden_vectors(copy: Any) -> None:
    del copy.manifest["files"]["golden.jsonl"]
    with pytest.raises(BundleError, match=r"has no golden\.jsonl, so nothing can be replayed"):
        sparse_client.verify(copy.save())


def test_a_precision_that_is_yet_to_come(copy: Any) -> None:
    copy.manifest["precision"] = "int2"
    with pytest.raises(BundleError, match="has the precision 'int2', known are fp32, fp16, int8: upgrade"):
        sparse_client.verify(copy.save())


def test_a_file_that_was_altered_is_found_first(copy: Any) -> None:
    graph = copy.path / "document.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    with pytest.raises(BundleError, match=r"document\.onnx was altered"):
        sparse_client.verify(copy.save())


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_command_prints_a_table_and_fails_on_a_miss(copy: Any, splade_bundle: Path) -> None:
    result = run("verify", "--bundle", splade_bundle)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.split()[:2] == ["route", "texts"]

    def change(vector: dict[str, Any]) -> None:
        vector["values"][0] += 1

    result = run("verify", "--bundle", _golden(copy, change))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "more than it may: document: largest difference 1.00e+00 is above 1e-04" in result.stderr


def test_an_autoencoder_alone_is_replayed(autoencoder_bundle: Path) -> None:
    report = sparse_client.verify(autoencoder_bundle)
    assert report.passed, report.misses
    assert report.distances["document"].texts > 30


def test_a_bundle_is_opened_once_and_its_texts_are_tokenized_once(tiny_bundles: Any, monkeypatch: Any) -> None:
    opened, tokenized = [], []
    read, ids = reader._read_manifest, RouteTokenizer.ids
    monkeypatch.setattr(reader, "_read_manifest", lambda root: opened.append(root) or read(root))
    monkeypatch.setattr(RouteTokenizer, "ids", lambda self, texts: tokenized.append(len(texts)) or ids(self, texts))
    report = sparse_client.verify(tiny_bundles["splade", "fp32"])
    assert len(opened) == 1
    assert tokenized == [distance.texts for distance in report.distances.values()]


def test_a_symmetric_bundle_loads_one_tokenizer(tiny_bundles: Any) -> None:
    encoder = sparse_client.LocalEncoder(tiny_bundles["splade", "fp32"])
    encoder.encode_documents(["fish"])
    encoder.encode_queries(["fish"])
    assert len(encoder._encoding.tokenizers._read) == 1


def test_a_session_says_which_provider_it_got(tiny_bundles: Any) -> None:
    bundle = tiny_bundles["splade", "fp32"]
    assert sparse_client.LocalEncoder(bundle).providers == ("CPUExecutionProvider",)
    encoder = sparse_client.LocalEncoder(bundle, providers=["CPUExecutionProvider"])
    assert encoder.providers == ("CPUExecutionProvider",)
    assert sparse_client.verify(bundle, providers=["CPUExecutionProvider"]).passed


def test_a_provider_that_is_not_there_is_refused(tiny_bundles: Any) -> None:
    bundle = tiny_bundles["splade", "fp32"]
    refused = r"the provider 'CUDAExecutionProvider' is not in this onnxruntime, which has .*CPUExecutionProvider"
    with pytest.raises(InputError, match=refused):
        sparse_client.LocalEncoder(bundle, providers=["CUDAExecutionProvider"])
    result = run("encode", "--bundle", bundle, "--providers", "CUDAExecutionProvider", "fish")
    assert result.exit_code == 1
    assert "which has " in result.stderr


@pytest.mark.parametrize(
    ("precision", "available", "wanted"),
    [("fp16", [CUDA, CPU], [CUDA, CPU]), ("fp16", [CPU], [CPU]), ("fp32", [CUDA, CPU], [CPU])],
)
def test_half_precision_prefers_a_gpu(
    tiny_bundles: Any, precision: str, available: list[str], wanted: list[str]
) -> None:
    bundle = open_bundle(tiny_bundles["splade", precision])
    runtime = SimpleNamespace(get_available_providers=lambda: available)  # no test machine has a GPU
    assert Sessions(bundle, threads=1)._wanted(runtime) == wanted
