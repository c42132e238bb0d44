"""The query table of an inference-free bundle: as the graph, as sentence-transformers, and fast."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from sparse_client import BundleError, LocalEncoder, SparseClientError, SparseVector

QUERY = "how do solar panels work in cold weather"
MORE = ["rain rain go away rain", "water the the THE bread", "fish " * 900, "\0", "[PAD] [UNK] [CLS]", "##a a ##b"]


@pytest.fixture
def table_copy(tiny_table_bundle: Path, tmp_path: Path, copy_type: Any) -> Any:
    return copy_type(Path(shutil.copytree(tiny_table_bundle, tmp_path / "table")))


@pytest.fixture
def by_graph(tmp_path: Path, copy_type: Any) -> Callable[..., LocalEncoder]:
    """Open a copy of a bundle that lacks the table, so that its query.onnx has to do."""

    def opened(bundle: Path, **options: Any) -> LocalEncoder:
        copied = copy_type(Path(shutil.copytree(bundle, tmp_path / "graph")))
        del copied.manifest["files"]["query_table.safetensors"]
        return LocalEncoder(copied.save(), **options)

    return opened


def pairs(vectors: list[SparseVector]) -> list[list[tuple[int, float]]]:
    """All that a vector says, its order too."""
    return [list(vector.to_dict().items()) for vector in vectors]


@pytest.mark.parametrize("bundle", ["idf_bundle", "tiny_table_bundle", "limited_table_bundle"])
@pytest.mark.parametrize("most", [None, 1, 2, 5])
def test_the_table_gives_what_the_graph_gives(
    request: Any, by_graph: Any, golden_texts: Any, bundle: str, most: int | None
) -> None:
    path = request.getfixturevalue(bundle)
    texts = golden_texts(path) + MORE
    graph, table = by_graph(path, max_active_dims=most), LocalEncoder(path, max_active_dims=most)
    expected = pairs(graph.encode_queries(texts))
    assert list(graph._sessions._sessions) == ["query.onnx"]
    assert pairs(table.encode_queries(texts)) == expected
    assert [pairs(table.encode_queries([text]))[0] for text in texts] == expected
    assert table._sessions._sessions == {}
    assert any(expected)


def test_the_limit_of_the_bundle_holds(limited_table_bundle: Path, golden_texts: Any) -> None:
    vectors = LocalEncoder(limited_table_bundle, max_active_dims=5).encode_queries(golden_texts(limited_table_bundle))
    assert max(map(len, vectors)) == 3


@pytest.mark.parametrize("most", [None, 1, 2, 4, 7])
def test_the_table_gives_what_sentence_transformers_gives(
    tiny_table: Path, tiny_table_bundle: Path, golden_texts: Any, most: int | None
) -> None:
    from sentence_transformers import SparseEncoder

    texts = golden_texts(tiny_table_bundle) + MORE
    model = SparseEncoder(str(tiny_table), device="cpu")
    # One by one: where a batch is padded, sentence-transformers loses a "[PAD]" that a text spells out.
    options = {"max_active_dims": most, "convert_to_sparse_tensor": False, "batch_size": 1}
    reference = model.encode_query(texts, **options).numpy()
    vectors = LocalEncoder(tiny_table_bundle, max_active_dims=most).encode_queries(texts)
    assert any((vector.values < 0).any() for vector in vectors)
    for row, vector, text in zip(reference, vectors, texts, strict=True):
        assert vector == SparseVector(np.flatnonzero(row), row[row != 0]), text[:40]
        assert (np.diff(vector.values) <= 0).all()


def test_a_word_counts_once_and_weight_0_is_not_active(tiny_table_bundle: Path) -> None:
    encoder = LocalEncoder(tiny_table_bundle)
    once, often, with_zero, nothing = encoder.encode_queries(
        ["water bread", "bread water " * 20, "the water bread", "the"]
    )
    assert len(once) == 2
    assert once == often == with_zero
    assert len(nothing) == len(encoder.encode_queries([""])[0]) == 0
    assert encoder.encode_queries([]) == []


def test_many_queries_keep_their_order(idf_bundle: Path) -> None:
    encoder = LocalEncoder(idf_bundle)
    texts = ["sun", "rain and wind", QUERY] * 500
    vectors = encoder.encode_queries(texts, show_progress=True)
    assert pairs(vectors) == pairs(encoder.encode_queries(texts[:3])) * 500


def test_the_prompt_becomes_tokens(table_copy: Any, tiny_table_bundle: Path) -> None:
    table_copy.route("query", prompt="fish: ")
    prompted, plain = LocalEncoder(table_copy.save()), LocalEncoder(tiny_table_bundle)
    assert (
        prompted.encode_queries(["bread"]) == plain.encode_queries(["fish: bread"]) != plain.encode_queries(["bread"])
    )


def test_special_tokens_are_added_as_the_route_says(table_copy: Any) -> None:
    assert table_copy.manifest["routes"]["query"]["add_special_tokens"] is False
    without = LocalEncoder(table_copy.path).encode_queries(["bread"])[0]
    del table_copy.manifest["routes"]["query"]["add_special_tokens"]
    added = LocalEncoder(table_copy.save()).encode_queries(["bread"])[0]
    assert set(added.indices.tolist()) - set(without.indices.tolist()) == {2, 3}  # [CLS], [SEP]
    table_copy.route("query", add_special_tokens="no")
    with pytest.raises(BundleError, match="'routes.query.add_special_tokens' is 'no', expected true or false"):
        LocalEncoder(table_copy.save())


def test_the_query_may_have_a_tokenizer_of_its_own(table_copy: Any) -> None:
    tokenizer = json.loads((table_copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary["water"], vocabulary["bread"] = vocabulary["bread"], vocabulary["water"]
    swapped = LocalEncoder(table_copy.path).encode_queries(["water"])
    table_copy.put("query_tokenizer.json", json.dumps(tokenizer).encode())
    table_copy.route("query", tokenizer="query_tokenizer.json")
    assert LocalEncoder(table_copy.save()).encode_queries(["bread"]) == swapped


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no table", r"query_table\.safetensors is not a file that safetensors can read"),
        (save({"idf": np.zeros(512, np.float32)}), r"query_table\.safetensors has no tensor 'weights'"),
        (save({"weights": np.zeros(3, np.float32)}), r"holds float32 \(3,\), expected \(512,\) finite float32"),
        (save({"weights": np.zeros(512, np.float64)}), r"holds float64 \(512,\)"),
        (save({"weights": np.full(512, np.nan, np.float32)}), "expected .* finite float32 weights: export"),
    ],
)
def test_a_table_that_cannot_be_is_refused(table_copy: Any, content: bytes, message: str) -> None:
    table_copy.put("query_table.safetensors", content)
    encoder = LocalEncoder(table_copy.save())
    with pytest.raises(BundleError, match=message):
        encoder.encode_queries(["bread"])
    assert encoder.encode_documents(["bread"])


def test_a_token_beyond_the_table_is_named(table_copy: Any) -> None:
    tokenizer = json.loads((table_copy.path / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["zebra"] = 600
    table_copy.put("tokenizer.json", json.dumps(tokenizer).encode())
    with pytest.raises(BundleError, match=r"query_table\.safetensors has 512 weights, but a token has id 600"):
        LocalEncoder(table_copy.save()).encode_queries(["bread zebra"])


def test_without_safetensors_the_error_says_what_to_install(tiny_table_bundle: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(SparseClientError, match=r"needs safetensors .*pip install 'sparse-export\[cpu\]'"):
        LocalEncoder(tiny_table_bundle).encode_queries(["bread"])


def test_a_query_needs_no_onnxruntime(idf_bundle: Path) -> None:
    probe = (
        "from sparse_client import LocalEncoder\nimport sys\n"
        f"LocalEncoder({str(idf_bundle)!r}).encode_queries(['a b'])\n"
        "print({'onnxruntime', 'torch', 'transformers', 'rich', 'click'} & {*sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_several_threads_share_the_table(idf_bundle: Path) -> None:
    encoder = LocalEncoder(idf_bundle)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: encoder.encode_queries([QUERY])[0], range(64)))
    assert all(vector == found[0] for vector in found)
    with pytest.raises(ValueError, match="read-only"):
        found[0].values[0] = 1
