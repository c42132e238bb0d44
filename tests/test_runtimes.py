"""With the oldest ONNX Runtime, and with one of NVIDIA's images, a handful of bundles compute what PyTorch computes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sparse_export import ExportOptions
from sparse_export.pipeline.export import export
from support.decoder_checkpoints import save_causal_csr
from support.tiny_checkpoints import save_csr, save_masked_lm
from support.token_weight_checkpoints import save_bge_m3, save_gte

ROOT = Path(__file__).parents[1]

import runtimes  # noqa: E402

OLDEST = pytest.param(
    "1.19.2", marks=pytest.mark.skipif(sys.version_info >= (3, 13), reason="1.19 has no wheel for Python 3.13")
)
# What the bundles that tests share do not have: a window, relative positions, a pooling that is traced, a causal mask,
# a weight per token, two matrices of a head, convolutions, attention without a mask.
MORE: dict[str, Callable[[Path], Path]] = {
    "modernbert": partial(save_masked_lm, model_type="modernbert"),
    "deberta-v2": partial(save_masked_lm, model_type="deberta-v2"),
    "csr-lasttoken": partial(save_csr, pooling="lasttoken"),
    "csr-causal": save_causal_csr,
    "token-weights": save_bge_m3,
    "gte": save_gte,
    "mobilebert": partial(save_masked_lm, model_type="mobilebert"),
    "convbert": partial(save_masked_lm, model_type="convbert"),
    "long": partial(save_masked_lm, model_type="bert", max_position_embeddings=2048),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "token-weights": {"with_dense": True},
    "gte": {"with_dense": True},
    "long": {"max_length": 2048, "proof_tokens": 700},
}


@pytest.fixture(scope="module")
def bundles(tiny_bundles: dict[tuple[str, str], Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runtimes")
    for name, save in MORE.items():
        export(ExportOptions(str(save(folder / "checkpoints" / name)), folder / name, **OPTIONS.get(name, {})))
    return [*tiny_bundles.values(), *(folder / name for name in MORE)]


@pytest.mark.parametrize("version", [OLDEST, "1.20.1"])
def test_every_vector_is_pytorchs(bundles: list[Path], version: str) -> None:
    assert version in runtimes.VERSIONS
    reports = [(bundle.name, report) for bundle in bundles for report in runtimes.replay(version, bundle)]
    wrong = [f"{name}, {report['route']}: {fault}" for name, report in reports for fault in runtimes.faults(report)]
    assert wrong == []
    assert {report["onnxruntime"] for _, report in reports} == {version}, "not the one that the tests run in"
    assert {report["route"] for _, report in reports} == {"document", "query"}


def test_what_cannot_be_installed_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runtimes, "BUILD", tmp_path / "build")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(runtimes.RuntimesError, match=r"pip cannot install onnxruntime==0\.0\.1 and numpy==.+: ERROR"):
        runtimes.environment("0.0.1")
    assert [*(tmp_path / "build").iterdir()] == []


def report(difference: float = 0.0, misses: tuple[str, ...] = (), vector: tuple[list[int], list[float]] = ([3], [1.0])):
    figures = {"max_difference": difference, "worst_cosine": 1 - difference}
    return {"route": "document", "alone": figures, "padded": figures, "misses": [*misses], "vectors": [vector]}


def test_a_table_marks_what_is_wrong() -> None:
    versions = dict.fromkeys((*runtimes.VERSIONS, runtimes.NEWEST), report(2e-6))
    rows = {"bert": versions | {"1.19.2": {"error": "no kernel"}, "1.20.1": report(1.25, ("padded: 1.25",))}}
    cells = runtimes.table("fp32", rows, runtimes.to_pytorch)[-1].split(" | ")
    assert cells[:4] == ["| bert", "**fails**", "**1e+00**", "2e-06"]
    other = report(vector=([3, 7], [1.0, 0.25]))
    assert runtimes.to_newest(other, report()) == runtimes.to_newest(report(), other) == "2e-01"


def test_the_table_in_the_docs_has_no_wrong_value() -> None:
    text = runtimes.PAGE.read_text("utf-8")
    _, begin, rest = text.partition(runtimes.BEGIN)
    written, end, _ = rest.partition(runtimes.END)
    assert begin
    assert end
    assert written.count(f"| {' | '.join(runtimes.VERSIONS)} |") == len(runtimes.TABLES)
    assert "**" not in written
