"""The Node client against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import node_runner

if TYPE_CHECKING:
    from tests.serving.conftest import Running


@pytest.mark.triton
def test_node_client(running: Running) -> None:
    # The tokenizer of one is run by Python alone: Node has its token ids, which are tested in Python.
    models = {name: str(folder) for name, folder in running.bundles.items() if name != "japanese"}
    output = node_runner.runner()(
        "--test",
        "--test-reporter=tap",
        "node/test/server.test.js",
        SPARSE_SERVER={"url": running.http, "models": models},
        SPARSE_BUNDLES=models,
    )
    assert "\n# fail 0" in output
    assert "\n# skipped 0" in output
