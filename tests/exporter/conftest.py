"""A tiny checkpoint and its bundle, for tests that are about files and not about figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commands import run
from support.tiny_checkpoints import save_masked_lm


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of one layer, as a bare masked language model; copy it before changing it."""
    return save_masked_lm(tmp_path_factory.mktemp("tiny") / "tiny", "bert", num_hidden_layers=1)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_model: Path) -> Path:
    """The tiny checkpoint in fp32; copy it before changing it."""
    output = tiny_model.with_name("tiny-fp32")
    assert run("--model", tiny_model, "--output", output).exit_code == 0
    return output
