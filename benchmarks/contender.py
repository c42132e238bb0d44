"""One contender: a process of its own, in its own environment, which works when told and reports what it took.

This file needs nothing but Python, because it also runs in the environments of others.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

REFERENCE = "torch"
LAST_LINES = 5
Key = TypeVar("Key")


class ContenderError(SystemExit):
    """A contender died, of too little memory for example. Ends the benchmark with its last lines, unless caught."""


@dataclass(frozen=True, slots=True)
class Contender:
    """What is to be measured.

    Attributes:
        name: as the tables show it.
        library: which of `encoders.LOADERS` loads it.
        path: the checkpoint or the bundle.
        batch_size: texts encoded at a time.
        threads: of the computation; None leaves the library its default.
        weights: its files, as a pattern below `path`.
        python: the interpreter whose libraries it takes.
    """

    name: str
    library: str
    path: Path
    batch_size: int
    threads: int | None = None
    weights: str = "*.onnx*"
    python: Path = Path(sys.executable)

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in self.path.glob(self.weights)) / 1e6

    def start(self) -> "Running":
        """Start its process."""
        settings = {
            "library": self.library,
            "path": str(self.path),
            "weights": self.weights,
            "batch_size": self.batch_size,
            "threads": self.threads,
        }
        return Running(self.name, "encoders:prepare_encoder", settings, self.python)


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the texts.

    Attributes:
        seconds: wall time.
        others: cores that other processes kept busy meanwhile, on average.
        peak_gb: peak memory of the process so far.
        active_dims: mean active dimensions of a text.
        alone_ms: of every text that was encoded alone.
        vectors: indices and weights of the first texts.
    """

    seconds: float
    others: float
    peak_gb: float
    active_dims: float
    alone_ms: list[float] = field(default_factory=list)
    vectors: list[tuple[list[int], list[float]]] = field(default_factory=list)


class Running:
    """A contender's process, alive until `close`; it is made ready once and idle while others are measured.

    Questions and answers are lines of JSON.
    """

    def __init__(self, name: str, work: str, settings: dict[str, Any], python: Path = Path(sys.executable)) -> None:
        """Start a process in which `work`, a module and a function of this folder, gets ready.

        Args:
            name: for messages.
            work: `module:function`; called with the settings, it returns the function that measures a round.
            settings: what JSON can carry.
            python: the interpreter.

        Raises:
            ContenderError: it died.
        """
        self._name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 lives as long as the process
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [python, __file__, work], stdin=pipe, stdout=pipe, stderr=self._errors, env=_surroundings(), text=True
        )
        self._ask(settings)

    def measure(self, request: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run one round and return what was measured.

        Raises:
            ContenderError: it died.
        """
        return self._ask(request or {})

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()
        self._errors.close()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else self._fail()

    def _fail(self) -> None:
        self._process.communicate()
        with self._errors:
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = "".join(f"\n    {line}" for line in lines[-LAST_LINES:])
        raise ContenderError(f"{self._name} ended with exit code {self._process.returncode}{last}")


def in_turns(
    running: dict[Key, Running], rounds: int, request: dict[str, Any] | None = None
) -> dict[Key, list[dict[str, Any]]]:
    """Measure all processes in turn, `rounds` times, another one first each time, and close them."""
    keys = list(running)
    results: dict[Key, list[dict[str, Any]]] = {key: [] for key in keys}
    for number in range(rounds):
        start = number % len(keys)
        for key in keys[start:] + keys[:start]:
            results[key].append(running[key].measure(request))
    for process in running.values():
        process.close()
    return results


def _surroundings() -> dict[str, str]:
    """Return the environment of a contender: no libraries but its own, no network."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return mine | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}


def _serve(work: str) -> None:
    """Answer the lines on stdin; what libraries print goes where errors go."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, function = work.partition(":")
    measure = getattr(importlib.import_module(module), function)(**json.loads(sys.stdin.readline()))
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
