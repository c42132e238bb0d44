"""Run sparse-export in the test's own process, and hold it to what it promises about errors."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from sparse_export.cli import main

# What an export tells on stderr before it fails; and progress bars, which it can only switch off before transformers
# is imported, in its own process.
STEPS = ("Reading", "Encoding", "Measuring", "Tracing", "Writing", "Ranking", "Loading weights")


def run(*arguments: str | Path) -> Result:
    """Run a command; standard output and error are kept apart."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def error_of(*arguments: str | Path) -> str:
    """Run a command that must fail, and return the one line that says why."""
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == 1, result.output
    assert result.stdout == "" or "verify" in arguments, "verify prints its figures first"
    lines = [line for line in result.stderr.splitlines() if line and not line.startswith(STEPS)]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert lines[0].endswith("."), "a sentence"
    return lines[0]


def content_of(folder: Path) -> dict[str, bytes | None]:
    """Return every path below a folder, and what each file holds."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }
