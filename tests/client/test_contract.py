"""What clients of all languages have in common is in tests/contract.json; Node's contract.test.js reads it, too."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparse_client.overlap import feature_labels
from sparse_client.parity.distance import CUT_ROUNDING, TOLERANCES
from sparse_client.server.options import ClientOptions
from sparse_export.checkpoint.chain import ROUTES
from sparse_export.options import Precision

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "contract.json").read_text("utf-8"))


def test_what_a_precision_promises() -> None:
    tolerances = {
        name: {bar: value for bar, value in asdict(tolerance).items() if value is not None}
        for name, tolerance in TOLERANCES.items()
    }
    assert tolerances == CONTRACT["tolerances"]
    assert CONTRACT["cut_rounding"] == CUT_ROUNDING
    assert list(CONTRACT["tolerances"]) == [precision.value for precision in Precision]


def test_names() -> None:
    assert list(ROUTES) == CONTRACT["routes"]
    assert feature_labels(np.array([123], np.int32)) == [CONTRACT["feature_123"]]


def test_how_a_client_talks_to_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    options, expected = ClientOptions(), CONTRACT["client"]
    assert [options.timeout, options.retries, options.concurrency] == [
        expected["timeout"],
        expected["retries"],
        expected["concurrency"],
    ]
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    assert list(options.pauses()) == pytest.approx(expected["pauses"])
