"""The comparison with the peers, without installing any: what it computes, writes and survives."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

from contender import Contender, ContenderError, Round, Running  # noqa: E402
from encode import EXPORTS  # noqa: E402
from environments import LISTS, PINNED_BY, requirements  # noqa: E402
from lineup import BACKENDS, LENGTHS, MODELS, OURS, PEERS  # noqa: E402
from peers import compete  # noqa: E402
from peers_plot import plot  # noqa: E402
from peers_report import Case, Row, as_markdown, make_rows, mean_cosine  # noqa: E402

ABOUT: dict[str, Any] = {"machine": {"processor": "x86_64", "cores": 2}, "peaks": {"float32": 1.5e11}, "failures": {}}


def a_round(seconds: float, peak_gb: float, weights: list[float], *alone_ms: float) -> Round:
    return Round(seconds, 0.0, peak_gb, 2.0, list(alone_ms), [([3, 7], weights)])


def contender(name: str, library: str = "torch") -> Contender:
    return Contender(name, library, Path("nowhere"), 32)


@pytest.fixture
def rows() -> list[Row]:
    rounds = {
        contender("torch"): [a_round(4.0, 2.0, [1.0, 0.0], 10.0), a_round(2.0, 3.0, [1.0, 0.0], 30.0)],
        contender("ours-int8"): [a_round(0.5, 0.5, [1.0, 1.0], 1.0)],
        contender("st-onnx"): [],
    }
    return make_rows(Case("splade-tiny", 90, 8), rounds, {"ours-int8": 0.25})


def test_rows_compare_with_the_reference(rows: list[Row]) -> None:
    torch, ours = rows  # what never finished a round has no row
    assert (torch.best, torch.speedup, torch.p50_ms, torch.calls, torch.memory_gb) == (4.0, 1.0, 20.0, 2, 3.0)
    assert (ours.best, ours.speedup, ours.memory_ratio, ours.share) == (16.0, 4.0, 0.5 / 3.0, 0.25)
    assert ours.cosine == pytest.approx(0.5**0.5)


def test_rows_without_a_reference_have_no_ratio() -> None:
    (row,) = make_rows(Case("splade-tiny", 90, 8), {contender("fastembed"): [a_round(1.0, 1.0, [1.0, 1.0], 1.0)]}, {})
    assert (row.best, row.speedup, row.memory_ratio, row.cosine) == (8.0, None, None, None)
    assert "| fastembed | 8.0 |  | 1.0 |" in as_markdown(ABOUT, [row])


def test_cosine_of_sparse_vectors() -> None:
    one = ([5, 2], [3.0, 4.0])
    assert mean_cosine([one, one], [([2, 5], [8.0, 6.0]), ([9], [1.0])]) == pytest.approx(0.5)
    assert mean_cosine([([], [])], [([], [])]) == 1.0
    assert mean_cosine([([], [])], [one]) == 0.0


def test_markdown_has_every_figure_and_failure(rows: list[Row]) -> None:
    text = as_markdown(ABOUT | {"failures": {"st-openvino on splade-tiny": "exit code 1\n    no such library"}}, rows)
    assert "150 G float32" in text
    assert "### splade-tiny, 90 words, batch 32" in text
    assert "| torch | 4.0 docs/s, 3.00 GB |\n| ours-int8 | 4.00x, 0.17x |" in text
    assert "| ours-int8 | 16.0 | 4.00x | 1.0 | 1.0 | 0.50 | 1/6.0 | 0.0 | 0.70711 | 2 | 25% |" in text
    assert "st-openvino on splade-tiny failed:" in text
    assert "no such library" in text


def test_plot_is_a_picture(rows: list[Row], tmp_path: Path) -> None:
    from PIL import Image

    plot(rows, tmp_path / "speed.png")
    with Image.open(tmp_path / "speed.png") as picture:
        assert len(set(picture.convert("RGB").get_flattened_data())) > 10


@pytest.mark.parametrize("file", sorted(LISTS.glob("*.txt")), ids=lambda file: file.stem)
def test_requirements_are_pinned(file: Path) -> None:
    lines = requirements()[file.stem]
    assert lines
    ours = [line for line in lines if "==" not in line]
    assert ours in ([], [PINNED_BY, "-e .[cpu]"])
    assert not ours or ours == lines, "constraints.txt pins all that we need"


def test_every_contender_can_be_made() -> None:
    needed = {peer.environment for peer in PEERS.values() if peer.environment} | set(BACKENDS.values())
    assert needed | {"sparse-client"} == {file.stem for file in LISTS.glob("*.txt")}
    assert set(OURS.values()) <= set(EXPORTS)
    assert all(list(model.texts) == sorted({*model.texts} & {*LENGTHS}) for model in MODELS.values())


def test_a_contender_that_fails_is_named_and_the_others_go_on(
    real_bundle: Callable[[str, str], Path],
) -> None:
    ours = Contender("ours-fp32", "sparse_client", real_bundle("splade", "fp32"), 32)
    broken, failures = Contender("broken", "sparse_client", Path("nowhere"), 32), dict[str, str]()
    rounds = compete("splade-tiny", [broken, ours], {8: ["lovely weather"]}, 2, failures)[8]
    assert [len(rounds[one]) for one in (broken, ours)] == [0, 2]
    assert list(failures) == ["broken on splade-tiny"]
    assert "nowhere" in failures["broken on splade-tiny"]
    indices, weights = rounds[ours][0].vectors[0]
    assert len(indices) == len(weights) == rounds[ours][0].active_dims
    assert rounds[ours][0].alone_ms


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "talkative.py").write_text("def get_ready(loud):\n    print(loud)\n    return lambda: {'round': 1}\n")
    command = [sys.executable, ROOT / "benchmarks" / "contender.py", "talkative:get_ready"]
    done = subprocess.run(
        command,
        input='{"loud": "hello"}\n{}\n',
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert (done.stdout, done.stderr) == ('{}\n{"round": 1}\n', "hello\n")


def test_a_process_that_dies_says_why() -> None:
    with pytest.raises(ContenderError, match=r"absent ended with exit code 1\n(.*\n)*.*No module named 'absent'"):
        Running("absent", "absent:get_ready", {})
