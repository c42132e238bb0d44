"""The Python lines of docs/triton.md, against a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
PAGE = Path(__file__).parents[2] / "docs" / "triton.md"


def test_the_documented_lines(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    marker = f"<!-- tests/serving/{Path(__file__).name} runs this -->\n```python\n"
    code = PAGE.read_text(encoding="utf-8").partition(marker)[2].partition("```")[0]
    assert "grpc://localhost:8001" in code
    exec(code.replace("grpc://localhost:8001", running.grpc), {})
    score, shown = capsys.readouterr().out.split("\n", 1)
    assert float(score.split()[0]) > 1
    assert re.search(r"\('today', 2\.\d+\)", score)
    assert "Contribution(label='weather'" in shown
