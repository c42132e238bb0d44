"""What installing and importing the package costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sparse_client

HEAVY = {"click", "numpy", "onnxruntime", "rich", "sentence_transformers", "tokenizers", "torch", "transformers"}
COMMAND = Path(sys.executable).with_name("sparse-client")


def loaded_by(code: str) -> set[str]:
    """Return which of HEAVY are loaded after running the code in a fresh interpreter."""
    probe = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    return HEAVY & set(json.loads(shown.splitlines()[-1]))


def test_every_public_name_is_there() -> None:
    assert sparse_client.__all__ == sorted(sparse_client.__all__)
    for name in sparse_client.__all__:
        assert getattr(sparse_client, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'sparse_client' has no attribute 'SparseClientt'"):
        sparse_client.SparseClientt  # noqa: B018


def test_every_error_is_caught_as_one() -> None:
    assert issubclass(sparse_client.BundleError, sparse_client.SparseClientError)
    assert issubclass(sparse_client.InputError, sparse_client.SparseClientError)


def test_importing_the_package_loads_nothing() -> None:
    assert loaded_by("import sparse_client") == set()


def test_a_vector_needs_numpy_alone() -> None:
    assert loaded_by("from sparse_client import SparseVector") == {"numpy"}


def test_encoding_needs_neither_torch_nor_the_command_line(splade_bundle: Path) -> None:
    code = f"from sparse_client import LocalEncoder\nLocalEncoder({str(splade_bundle)!r}).encode_documents(['a'])"
    assert loaded_by(code) == {"numpy", "onnxruntime", "tokenizers"}


def test_help_loads_no_library_that_encodes() -> None:
    code = """
from sparse_client.cli.commands import main
main(["encode", "--help"], standalone_mode=False)
"""
    assert loaded_by(code) <= {"click", "numpy"}
