"""The first lines of the README print what stands below them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_first_lines_of_the_readme(splade_int8_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = README.read_text(encoding="utf-8")
    code, shown = re.search(
        r"<!-- tests/client/test_docs\.py runs this -->\n```python\n(.+?)```.+?```\n(.+?)```", text, re.DOTALL
    ).groups()  # type: ignore[union-attr]
    exec(code.replace("splade-v3-int8", str(splade_int8_bundle)), {})
    printed = capsys.readouterr().out.splitlines()
    for line, expected in zip(printed, shown.splitlines(), strict=True):
        assert rounded(ast.literal_eval(line)) == rounded(ast.literal_eval(expected))


def rounded(value: object) -> object:
    """Return a value with its numbers as far as every processor agrees on them."""
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert len(links) > 10
    assert [link for link in links if not (README.parent / link).is_file()] == []
