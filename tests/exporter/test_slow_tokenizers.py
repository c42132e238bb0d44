"""A tokenizer without tokenizer.json: exported and proven all the same, run by Python alone, and said so elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SparseEncoder

from sparse_client import BundleError, LocalEncoder
from sparse_export import verify
from support import japanese
from support.bundle_copies import Copy
from support.commands import error_of, run

PRECISIONS = {"none": 1e-4, "int8": 0.1}
MORE = ("", "a", "検索", "I ❤️ 東京 🗽", "読" * 200)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return japanese.save_checkpoint(tmp_path_factory.mktemp("japanese") / "japanese-splade")


@pytest.fixture(scope="module", params=PRECISIONS)
def bundle(request: pytest.FixtureRequest, checkpoint: Path) -> Path:
    output = checkpoint.with_name(f"bundle-{request.param}")
    result = run("--model", checkpoint, "--output", output, "--quantize", request.param)
    assert result.exit_code == 0, result.output
    return output


def test_the_manifest_names_class_and_packages(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    route = manifest["routes"]["document"]
    assert route["tokenizer"] is None
    assert route["python_tokenizer"] == {
        "name": "BertJapaneseTokenizer",
        "folder": "tokenizer",
        "packages": ["fugashi", "unidic-lite"],
        "pad_id": 0,
    }
    assert "tokenizer/vocab.txt" in manifest["files"]
    assert not list(bundle.glob("*tokenizer.json"))
    assert verify(bundle)["document"].texts > 30
    assert "fugashi" in (bundle / "README.md").read_text("utf-8")


def test_vectors_are_pytorchs(bundle: Path, checkpoint: Path) -> None:
    texts = [*japanese.TEXTS, *MORE]
    expected = SparseEncoder(str(checkpoint), device="cpu").encode_document(texts, convert_to_sparse_tensor=False)
    for row, vector in zip(np.asarray(expected), LocalEncoder(bundle).encode_documents(texts), strict=True):
        dense = np.zeros(len(row))
        dense[vector.indices] = vector.values
        np.testing.assert_allclose(dense, row, atol=PRECISIONS[bundle.name.partition("-")[2]])


def test_token_ids_give_the_vectors_of_their_texts(bundle: Path, checkpoint: Path) -> None:
    tokenizer, encoder = japanese.save_tokenizer(bundle.with_name("elsewhere")), LocalEncoder(bundle)
    rows = tokenizer(list(japanese.TEXTS), truncation=True, max_length=64)["input_ids"]
    for route, by_text in (("document", encoder.encode_documents), ("query", encoder.encode_queries)):
        assert encoder.encode_token_ids(rows, route) == by_text(japanese.TEXTS)


def test_without_the_packages_the_error_says_what_to_install(bundle: Path) -> None:
    """Token ids need none of them."""
    code = f"""
import sys
for name in ("transformers", "torch", "fugashi"):
    sys.modules[name] = None
from sparse_client import LocalEncoder, SparseClientError
encoder = LocalEncoder({str(bundle)!r})
print(len(encoder.encode_token_ids([[2, 7, 8, 3], [2, 9, 3]])))
try:
    encoder.encode_documents(["猫"])
except SparseClientError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    vectors, error = done.stdout.splitlines()
    assert vectors == "2"
    assert "BertJapaneseTokenizer has no fast form (tokenizer.json)" in error
    assert "pip install transformers fugashi unidic-lite" in error


def test_a_bundle_cannot_choose_what_mecab_reads(bundle: Path, tmp_path: Path) -> None:
    copy = Copy(shutil.copytree(bundle, tmp_path / "copy"))
    settings = json.loads((copy.path / "tokenizer/tokenizer_config.json").read_text())
    settings["mecab_kwargs"] = {"mecab_option": f"-o {tmp_path / 'written'}"}
    copy.put("tokenizer/tokenizer_config.json", json.dumps(settings).encode())
    copy.save()
    with pytest.raises(BundleError, match="sets mecab_option, which a bundle may not"):
        LocalEncoder(copy.path)
    # A server would run it, too.
    error = error_of("triton", copy.path, "--repository", tmp_path / "models", "--name", "x")
    assert "sets mecab_option, which a bundle may not" in error


@pytest.mark.parametrize("folder", ["..", ".", "", "/etc", "tokenizer/../../elsewhere", "missing"])
def test_the_folder_lies_inside(bundle: Path, tmp_path: Path, folder: str) -> None:
    copy = Copy(shutil.copytree(bundle, tmp_path / "copy"))
    copy.route("document", python_tokenizer={"name": "BertJapaneseTokenizer", "folder": folder})
    copy.save()
    with pytest.raises(BundleError, match="which is not one inside the bundle"):
        LocalEncoder(copy.path)


def test_a_file_that_nobody_checked_is_refused(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "copy")
    (copy / "tokenizer" / "added_tokens.json").write_text('{"猫": 7}')
    with pytest.raises(BundleError, match="added_tokens.json is not among the files of manifest.json"):
        LocalEncoder(copy)


def test_a_class_that_is_no_tokenizer_is_refused(bundle: Path, tmp_path: Path) -> None:
    copy = Copy(shutil.copytree(bundle, tmp_path / "copy"))
    copy.route("document", python_tokenizer={"name": "pipeline", "folder": "tokenizer"})
    copy.save()
    with pytest.raises(BundleError, match="has no tokenizer 'pipeline'"):
        LocalEncoder(copy.path).encode_documents(["猫"])
