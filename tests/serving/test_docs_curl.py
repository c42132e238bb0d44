"""The lines of docs/triton.md work against a real server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serving.conftest import Running

pytestmark = pytest.mark.triton
PAGE = Path(__file__).parents[2] / "docs" / "triton.md"


def test_the_curl_line(running: Running) -> None:
    text = PAGE.read_text(encoding="utf-8")
    block = re.search(r"<!-- tests/serving/test_docs_curl.py runs this -->\n```sh\n(.+?)```", text, re.DOTALL)
    assert block is not None
    command = block[1].replace("http://127.0.0.1:8000", running.http)
    assert command != block[1]
    answer = json.loads(subprocess.run(command, shell=True, capture_output=True, check=True, text=True).stdout)
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert outputs["indices"][0] == 2651, "today"
