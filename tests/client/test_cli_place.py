"""Where the commands encode, and what `bench` prints; without a server."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sparse_client.cli.commands import main
from sparse_client.cli.load_test import measure

URL = ("--url", "grpc://127.0.0.1:1")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either --bundle DIR or --url URL with --model NAME"),
        (("--bundle", "b", *URL), "give either --bundle DIR or --url URL with --model NAME"),
        (URL, "--url and --model go together"),
        ((*URL, "--model", "m", "--threads", "1"), "--threads is for --bundle"),
        ((*URL, "--model", "m", "--header", "token"), "--header expects NAME: VALUE"),
        ((*URL, "--model", "m", "--header", "to ken: x"), "header 'to ken' is not a valid name"),
        ((*URL, "--model", "m", "--ca", "missing.pem"), "missing.pem is not a file"),
        (("--url", "localhost:1", "--model", "m"), "starts with none of http://"),
        (("--bundle", "b", "--model", "m"), "--model is for --url"),
        (("--bundle", "b", "--header", "a: b"), "--header is for --url"),
        (("--bundle", "b", "--timeout", "1"), "--timeout is for --url"),
    ],
)
@pytest.mark.parametrize("command", [("encode", "a"), ("decode", "a"), ("explain", "a", "b"), ("bench",)])
def test_options_that_do_not_fit_together(command: tuple[str, ...], arguments: tuple[str, ...], message: str) -> None:
    result = run(*command, *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    assert message in result.stderr


def test_verify_needs_a_bundle_even_for_a_server() -> None:
    result = run("verify", *URL, "--model", "m")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "give --bundle DIR" in result.stderr


@pytest.mark.parametrize("concurrency", ["", "0", "1,x", "1,,2"])
def test_numbers_of_callers_that_are_none(concurrency: str) -> None:
    result = run("bench", "--bundle", "b", "--concurrency", concurrency)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "is not a list of numbers of callers" in result.stderr


def test_bench_prints_a_line_for_each_number_of_callers(splade_int8_bundle: Path) -> None:
    options = ("--bundle", splade_int8_bundle, "--concurrency", "1,3", "--seconds", "0.2", "--batch-size", "2")
    result = run("bench", *options, "--format", "jsonl", "one", "two", "three")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["callers"] for line in lines] == [1, 3]
    for line in lines:
        assert line["calls"] >= line["callers"]
        assert line["texts_per_second"] > 0
        assert 0 < line["p50_ms"] <= line["p90_ms"] <= line["p99_ms"]
    table = run("bench", *options, "--format", "table").stdout.splitlines()
    assert table[0].split() == ["callers", "calls", "texts/s", "p50", "ms", "p90", "ms", "p99", "ms"]
    assert [line.split()[0] for line in table[1:]] == ["1", "3"]


def test_callers_take_turns_with_the_batches_and_every_text_counts() -> None:
    seen: list[list[str]] = []
    level = measure(seen.append, [["a", "b"], ["c"]], 2, 1e-9)
    # One call to warm up, then at least one of each caller, which begin with different batches.
    assert seen[0] == ["a", "b"]
    assert sorted(seen[1:3]) == [["a", "b"], ["c"]]
    assert (level.callers, level.calls) == (2, len(seen) - 1)


def test_an_error_of_a_caller_is_raised() -> None:
    def fail(_batch: list[str]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        measure(fail, [["a"]], 2, 1)
