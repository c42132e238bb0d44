"""`sparse-client encode`: files in, JSON lines out, errors on one line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sparse_client import LocalEncoder
from sparse_client.cli.commands import main

WEATHER = "The weather is lovely today."
COMMAND = Path(sys.executable).with_name("sparse-client")
Run = Callable[..., Result]


@pytest.fixture
def run(splade_bundle: Path) -> Run:
    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        options = ["encode", "--bundle", str(splade_bundle), *map(str, arguments)]
        return CliRunner().invoke(main, options, input=stdin)

    return invoke


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split("\n") if line]


def refused(result: Result, *parts: str) -> None:
    """Check that there is one line of error with these parts, and no output."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)  # no traceback
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


def test_texts_become_the_encoders_vectors(run: Run, encoder: LocalEncoder) -> None:
    shown = rows(run(WEATHER, "日本").stdout)
    vectors = [encoder.encode_documents([text])[0] for text in (WEATHER, "日本")]
    assert [row["text"] for row in shown] == [WEATHER, "日本"]
    assert [row["indices"][:3] for row in shown] == [vector.indices.tolist()[:3] for vector in vectors]
    assert shown[0]["values"] == pytest.approx(vectors[0].values.tolist(), abs=1e-5)


def test_jsonl_keeps_ids_and_order(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "corpus.jsonl"
    file.write_text('{"_id": "b", "body": "long words here"}\n\n{"id": 7, "body": "sun"}\r\n{"body": "rain"}', "utf-8")
    shown = rows(run("--input", file, "--field", "body").stdout)
    assert [list(row) for row in shown] == [
        ["_id", "indices", "values"],
        ["id", *list(shown[0])[1:]],
        ["text", *list(shown[0])[1:]],
    ]
    assert (shown[0]["_id"], shown[1]["id"], shown[2]["text"]) == ("b", 7, "rain")


def test_a_text_file_has_one_text_per_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(b"\xef\xbb\xbfsun \r\n\n caf\xc3\xa9 \xe2\x80\xa8two\n{}\n")
    assert [row["text"] for row in rows(run("--input", file).stdout)] == ["sun ", "", " café \u2028two", "{}"]


def test_standard_input_is_text_or_with_jsonl_json(run: Run) -> None:
    assert [row["text"] for row in rows(run("--input", "-", stdin=b"sun\n").stdout)] == ["sun"]
    assert [row["id"] for row in rows(run("--input", "-", "--jsonl", stdin=b'{"id": 3, "text": "a"}').stdout)] == [3]


def test_batch_size_is_passed_on(run: Run, shapes: Any) -> None:
    run("sun", "rain", "--batch-size", 1)
    assert [rows for rows, _ in shapes] == [1, 1]


def test_top_and_route_are_passed_on(copy: Any) -> None:
    copy.route("query", prompt="find: ")
    common = ["encode", "--bundle", str(copy.save()), "--top", "2", "rain"]
    document, query = (
        rows(CliRunner().invoke(main, [*common, "--route", route]).stdout) for route in ("document", "query")
    )
    assert len(document[0]["indices"]) == len(query[0]["indices"]) == 2
    assert document != query


def test_many_lines_stream_through(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("".join(f"{number}\n" for number in range(2100)))
    shown = rows(run("--input", file, "--top", 1).stdout)
    assert [row["text"] for row in shown] == [str(number) for number in range(2100)]


def test_a_line_of_a_megabyte(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"id": 1, "text": "lovely weather " * 70_000}))
    assert len(rows(run("--input", file).stdout)[0]["indices"]) > 1


@pytest.mark.parametrize("name", ["empty.txt", "empty.jsonl"])
def test_an_empty_file_gives_nothing(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    result = run("--input", tmp_path / name, "--output", tmp_path / "out")
    assert (result.exit_code, result.output, (tmp_path / "out").read_bytes()) == (0, "", b"")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.txt", b"good\nb\xffd\n", ["a.txt, line 2 is not UTF-8", "0xff at byte 1", "save the file as UTF-8"]),
        ("a.jsonl", b'{"text": "a"}\n{"text": "b\xff"}', ["a.jsonl, line 2 is not UTF-8"]),
        ("a.jsonl", b'{"text": "a"}\n\n{"text": }\n', ["a.jsonl, line 3 is not valid JSON", "column 10", "one JSON"]),
        ("a.jsonl", b'{"text": "a", "w": NaN}\n', ["a.jsonl, line 1 is not valid JSON (NaN"]),
        ("a.jsonl", b"[" * 100_000, ["a.jsonl, line 1 is not valid JSON"]),
        ("a.jsonl", b'["a"]\n', ['a.jsonl, line 1 holds ["a"], expected a JSON object']),
        ("a.jsonl", b'{"body": "a"}\n', ["a.jsonl, line 1 has no field 'text', only 'body'", "--field"]),
        ("a.jsonl", b"{}\n", ["a.jsonl, line 1 has no field 'text', only nothing"]),
        ("a.jsonl", b'{"text": 3}\n', ["a.jsonl, line 1: field 'text' holds 3, expected a text in quotes"]),
        ("a.jsonl", b'{"text": "ab\\ud800"}\n', ["line 1: field 'text' has a lone surrogate (U+D800) at character 2"]),
        ("a.jsonl", b'{"indices": [1], "values": [1]}\n', ["a.jsonl, line 1 has no field 'text'"]),
    ],
)  # fmt: skip
def test_bad_input_is_named(run: Run, tmp_path: Path, name: str, content: bytes, parts: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "out").write_text("old")
    refused(run("--input", tmp_path / name), str(tmp_path / name), *parts)
    refused(run("--input", tmp_path / name, "--output", tmp_path / "out"), *parts)
    assert (tmp_path / "out").read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, "out"])


def test_bad_standard_input_is_named(run: Run) -> None:
    refused(run("--input", "-", stdin=b"\xff\n"), "standard input, line 1 is not UTF-8")


def test_an_argument_that_is_no_unicode_is_named(run: Run) -> None:
    refused(run("good", "b\udcff"), "argument 2 has a lone surrogate")


def test_texts_and_input_exclude_each_other(run: Run, tmp_path: Path) -> None:
    refused(run(), "give either texts or --input FILE")
    refused(run("a", "--input", tmp_path), "give either texts or --input FILE")


def test_unreadable_input_is_named(run: Run, tmp_path: Path) -> None:
    refused(run("--input", tmp_path / "absent"), f"--input {tmp_path / 'absent'} cannot be read: No such file")
    refused(run("--input", tmp_path), f"--input {tmp_path} cannot be read: Is a directory")


def test_a_bad_bundle_is_named_on_one_line(copy: Any, tmp_path: Path) -> None:
    refused(CliRunner().invoke(main, ["encode", "--bundle", str(tmp_path / "absent"), "a"]), str(tmp_path / "absent"))
    refused(CliRunner().invoke(main, ["encode", "--bundle", "two\nlines", "a"]), "two lines is not a bundle")
    copy.put("document.onnx", b"no graph")
    refused(CliRunner().invoke(main, ["encode", "--bundle", str(copy.save()), "a"]), "document.onnx cannot be loaded")


def test_output_is_written_whole(run: Run, tmp_path: Path) -> None:
    target, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    result = run(WEATHER, "--output", link)
    assert (result.exit_code, result.output) == (0, "")
    assert rows(target.read_text())[0]["text"] == WEATHER
    assert link.is_symlink()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.jsonl", "real.jsonl"]


def test_output_has_the_usual_permissions(run: Run, tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    run("a", "--output", tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_pipe_is_written_and_not_replaced(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("a", "--top", 1, "--output", pipe).exit_code == 0
        assert rows(os.read(reader, 4096).decode())[0]["text"] == "a"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_output_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    refused(run("a", "--output", tmp_path), f"--output {tmp_path} cannot be written: Is a directory")
    absent = tmp_path / "absent" / "out"
    refused(run("a", "--output", absent), f"--output {absent} cannot be written: No such file or directory")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(run: Run, splade_bundle: Path) -> None:
    refused(run("a", "--output", "/dev/full"), "--output /dev/full cannot be written: No space left")
    command = [COMMAND, "encode", "--bundle", splade_bundle, "a"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        shown = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=buffered)
    assert shown.returncode == 1
    assert shown.stderr.startswith(b"Error: standard output cannot be written: No space left")
    assert shown.stderr.count(b"\n") == 1


def test_a_closed_pipe_is_quiet(splade_bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "many.txt"
    file.write_text("sun\n" * 3000)
    command = [COMMAND, "encode", "--bundle", splade_bundle, "--input", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
