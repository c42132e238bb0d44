"""`sparse-client decode`: weighted tokens, for the eye or as JSON lines."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sparse_client import LocalEncoder
from sparse_client.bundle.sessions import Sessions
from sparse_client.cli.commands import main
from sparse_client.cli.tables import print_columns, print_table

WEATHER = "The weather is lovely today."
Run = Callable[..., Result]


@pytest.fixture
def run(splade_bundle: Path) -> Run:
    def invoke(*arguments: object, stdin: str | None = None) -> Result:
        options = ["decode", "--bundle", str(splade_bundle), *map(str, arguments)]
        return CliRunner().invoke(main, options, input=stdin)

    return invoke


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def test_jsonl_is_what_a_pipe_gets(run: Run, encoder: LocalEncoder) -> None:
    shown = rows(run(WEATHER, "--top", 3).stdout)
    assert shown[0]["text"] == WEATHER
    assert shown[0]["tokens"] == ["today", "lovely", "weather"]
    assert shown[0]["values"] == encoder.encode_documents([WEATHER])[0].values[:3].tolist()


def test_what_encode_wrote_decodes_to_the_same(run: Run, splade_bundle: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.jsonl"
    (tmp_path / "in.jsonl").write_text(json.dumps({"_id": "w", "text": WEATHER}) + "\n" + json.dumps({"text": "日本"}))
    CliRunner().invoke(
        main,
        ["encode", "--bundle", str(splade_bundle), "--input", str(tmp_path / "in.jsonl"), "--output", str(vectors)],
    )
    assert rows(run("--input", vectors).stdout) == rows(run("--input", tmp_path / "in.jsonl").stdout)
    assert rows(run("--input", "-", "--jsonl", stdin=vectors.read_text()).stdout) == rows(
        run("--input", vectors).stdout
    )


def test_texts_and_vectors_may_alternate(run: Run) -> None:
    lines = [{"id": 1, "text": "hello"}, {"id": 2, "indices": [7592], "values": [2]}, {"id": 3, "text": "world"}]
    shown = rows(run("--input", "-", "--jsonl", "--top", 1, stdin="\n".join(map(json.dumps, lines))).stdout)
    assert [(row["id"], row["tokens"]) for row in shown] == [(1, ["hello"]), (2, ["hello"]), (3, ["world"])]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"indices": [1], "values": []}, "1 indices and 0 values"),
        ({"indices": ["a"], "values": [1]}, "give whole numbers"),
        ({"indices": {"1": 2}, "values": [1]}, "0 dimensions: give a flat list"),
        ({"indices": [30522], "values": [1]}, "has index 30522, but this bundle has 30522 dimensions"),
        ({"indices": [1]}, "has no field 'text', nor 'indices' and 'values', only 'indices'"),
    ],
)
def test_a_bad_vector_is_named(run: Run, tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    file = tmp_path / "vectors.jsonl"
    file.write_text('{"text": "good"}\n' + json.dumps(fields))
    result = run("--input", file)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert f"{file}, line 2" in result.stderr
    assert message in result.stderr


def test_the_table_has_a_bar_for_each_token(run: Run) -> None:
    lines = [line.split() for line in run(WEATHER, "--top", 3, "--format", "table").stdout.splitlines()]
    assert lines[0] == WEATHER.split()
    assert [line[0] for line in lines[1:4]] == ["today", "lovely", "weather"]
    assert [float(line[1]) for line in lines[1:4]] == pytest.approx([2.544, 2.121, 2.043], abs=0.01)
    assert [len(line[2]) for line in lines[1:4]] == [30, 25, 24]


def test_a_terminal_gets_the_table(splade_bundle: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    main(["decode", "--bundle", str(splade_bundle), WEATHER], standalone_mode=False)
    assert "████" in capsys.readouterr().out


def test_the_table_shows_brackets_cuts_titles_and_disarms_control_characters(capsys: Any) -> None:
    print_table("[red]\x1b[31m\n" + "x" * 200, [("[MASK]", 1.0), ("[/bold]", 0.5)])
    shown = capsys.readouterr().out
    assert "[red] [31m xxx" in shown
    assert "x…" in shown
    assert "x" * 70 not in shown
    assert "[MASK]" in shown
    assert "[/bold]" in shown


def plain(shown: str) -> list[str]:
    """Return the lines of what a terminal got, without its colors."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("columns", ["20", "40", "200"])
def test_no_width_cuts_a_token_or_a_number(capsys: Any, monkeypatch: Any, columns: str, terminal: bool) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    header = ["route", "texts", "largest difference", "mean cosine", "worst cosine", "top-64 overlap"]
    print_columns(header, [["document", "47", "1.23e-05", "0.99999", "0.99998", "0.99997"]])
    print_table("t" * 60, [("tokenization" * 3, 2.125), ("a", 1.0625)], ["66.7%", "33.3%"])
    names, figures, title, strong, weak, _ = plain(capsys.readouterr().out)
    assert re.split(r"  +", names.strip()) == header
    assert figures.split()[2:] == ["1.23e-05", "0.99999", "0.99998", "0.99997"]
    assert title == "t" * 60
    assert strong.split()[:3] == ["tokenization" * 3, "2.125", "66.7%"]
    assert weak.split()[:3] == ["a", "1.062", "33.3%"]
    assert strong.count("█") == (30 if not terminal or columns == "200" else 1)


@pytest.mark.parametrize(("columns", "longest"), [("40", 17), ("200", 30)])
def test_bars_fit_the_terminal(capsys: Any, monkeypatch: Any, columns: str, longest: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table("title", [("rain", 2.0), ("sun", 1.0)])
    _, rain, sun, _ = plain(capsys.readouterr().out)
    assert [line.count("█") for line in (rain, sun)] == [longest, longest // 2]
    assert len(rain) <= int(columns)


@pytest.mark.parametrize("tokens", [[], [("a", 0.0)], [("a", -2.0), ("b", -3.0)], [("a", 2.0), ("b", -3.0)]])
def test_the_table_bears_any_weights(capsys: Any, tokens: list[tuple[str, float]]) -> None:
    print_table("title", tokens)
    shown = capsys.readouterr().out
    assert ("no active dimension" in shown) == (not tokens)
    assert shown.count("█") == 30 * any(weight > 0 for _, weight in tokens)


def test_a_terminal_without_unicode_shows_what_it_can(splade_bundle: Path) -> None:
    command = [
        Path(sys.executable).with_name("sparse-client"),
        "decode",
        "--bundle",
        splade_bundle,
        "--format",
        "table",
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = subprocess.run([*command, "sun", "日本"], capture_output=True, env=environment, check=True).stdout
    assert b"sun" in shown


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_threads_are_passed_on(splade_bundle: Path, monkeypatch: Any, command: str) -> None:
    asked: list[int | None] = []
    original = Sessions.__init__
    monkeypatch.setattr(Sessions, "__init__", lambda self, *given: (asked.append(given[1]), original(self, *given))[1])
    for options in ([], ["--threads", "1"]):
        CliRunner().invoke(main, [command, "--bundle", str(splade_bundle), *options, "sun"], catch_exceptions=False)
    assert asked == [None, 1]


def test_help_has_an_example_for_every_command() -> None:
    for name in ("", *main.commands):
        shown = CliRunner().invoke(main, [*filter(None, [name]), "--help"]).stdout
        assert "Example:\n  " in shown
        assert f"sparse-client {name or 'decode'} --bundle" in shown
