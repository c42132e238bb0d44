"""The script of docs/bundle-format.md and of every card, run as it stands there, without this project and torch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sparse_export import ExportOptions, Output
from sparse_export.pipeline.export import export
from support.real_checkpoints import trained_csr

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
for name in ("torch", "transformers", "sentence_transformers", "onnx", "sparse_export", "sparse_client"):
    sys.modules[name] = None
"""
# Goes on in the script's loop, at its indentation.
COMPARE = """
    mine = dict(zip(indices[indices >= 0].tolist(), values.tolist()))
    theirs = dict(zip(golden["indices"], golden["values"]))
    length = lambda vector: sum(value * value for value in vector.values()) ** 0.5
    product = sum(value * mine.get(index, 0) for index, value in theirs.items())
    assert mine == theirs == {} or product > 0.98 * length(mine) * length(theirs), (golden["text"], mine, theirs)
"""


def script_of(page: Path) -> str:
    """Return the first Python block of a page."""
    found = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def run(script: str, bundle: Path) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT + script], cwd=bundle, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize(("family", "precision"), [("splade", "int8"), ("inference-free", "fp32"), ("csr", "fp32")])
def test_the_documented_lines_replay_a_bundle(
    real_bundle: Callable[[str, str], Path], family: str, precision: str
) -> None:
    bundle, script = real_bundle(family, precision), script_of(ROOT / "docs" / "bundle-format.md")
    assert len(script.strip().splitlines()) <= 16
    assert len(run(script + COMPARE, bundle)) >= 35 * 2, "both routes"
    assert script_of(bundle / "README.md") == script, "the card has the same lines"


def test_the_card_of_an_autoencoder_alone(tmp_path: Path) -> None:
    export(ExportOptions(model=str(trained_csr()), output=tmp_path / "bundle", sae_only=True))
    card = tmp_path / "bundle" / "README.md"
    assert "`embedding` float32 [batch, 384] -> `indices` int32" in card.read_text(encoding="utf-8")
    assert "tokenizer.json" not in card.read_text(encoding="utf-8")
    assert run(script_of(card) + COMPARE, card.parent)


def test_the_card_of_a_dense_bundle(splade_tiny: Path, tmp_path: Path) -> None:
    export(ExportOptions(model=str(splade_tiny), output=tmp_path / "bundle", form=Output.DENSE))
    lines = run(script_of(tmp_path / "bundle" / "README.md"), tmp_path / "bundle")
    line = next(line for line in lines if line.startswith("The weather is lovely today. "))
    assert "[2651 8403 4633] [2651, 8403, 4633]" in line


def test_a_card_lists_the_files_of_its_bundle(real_bundle: Callable[[str, str], Path]) -> None:
    for family in ("splade", "inference-free", "csr"):
        bundle = real_bundle(family, "fp32")
        listed = re.findall(r"^\| (\w+\.\w+) \|", (bundle / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(listed) == {path.name for path in bundle.iterdir()} - {"README.md"}
