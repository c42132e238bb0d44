"""One contender: a process of its own, which works when it is told and reports time and memory."""

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from resources import Stopwatch, peak_memory

REFERENCE = "torch"


@dataclass(frozen=True, slots=True)
class Contender:
    """What is to be measured.

    Attributes:
        name: `torch` for sentence-transformers; anything else is a bundle in sparse_client.
        path: the checkpoint or the bundle.
        batch_size: texts encoded at a time.
        threads: of the computation; None leaves the library its default.
    """

    name: str
    path: Path
    batch_size: int
    threads: int | None = None

    @property
    def weight_files(self) -> str:
        return "*.safetensors" if self.name == REFERENCE else "*.onnx*"

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in self.path.glob(self.weight_files)) / 1e6


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the texts.

    Attributes:
        seconds: wall time.
        others: cores that other processes kept busy meanwhile, on average.
        peak_gb: peak memory of the process so far.
        active_dims: mean active dimensions of a text.
    """

    seconds: float
    others: float
    peak_gb: float
    active_dims: float


class Running:
    """A contender's process, alive until `close`; it is made ready once and idle while others are measured.

    Spawned, not forked: a forked child would start with the parent's pages and count them as its own.
    """

    def __init__(self, name: str, prepare: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        """Start a process in which `prepare(*arguments)` returns the function that measures one round."""
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, prepare, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self._wait()

    def measure(self) -> Any:
        """Run one round and return what was measured.

        Raises:
            SystemExit: the process died, of too little memory for example; its own error is on stderr.
        """
        self._pipe.send("go")
        return self._wait()

    def close(self) -> None:
        """Let the process end."""
        self._pipe.close()
        self._process.join()

    def _wait(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            raise SystemExit(f"{self._name} ended with exit code {self._process.exitcode}") from None


def _serve(pipe: Connection, prepare: Callable[..., Callable[[], Any]], arguments: Sequence[Any]) -> None:
    measure = prepare(*arguments)
    pipe.send("ready")
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(measure())


def prepare_encoder(contender: Contender, texts: list[str]) -> Callable[[], Round]:
    """Load a contender and return the function that encodes all texts once."""
    encode, count = _load(contender)
    encode(texts[: contender.batch_size])  # the first batch pays for lazy set-up

    def measure() -> Round:
        stopwatch = Stopwatch()
        vectors = encode(texts)
        return Round(*stopwatch.stop(), peak_memory(), count(vectors))

    return measure


def _load(contender: Contender) -> tuple[Callable[[list[str]], Any], Callable[[Any], float]]:
    """Return a function from texts to vectors and one from vectors to their mean number of active dimensions."""
    return (_load_torch if contender.name == REFERENCE else _load_bundle)(contender)


def _load_torch(contender: Contender) -> tuple[Callable[[list[str]], Any], Callable[[Any], float]]:
    import torch
    from sentence_transformers import SparseEncoder

    if contender.threads:
        torch.set_num_threads(contender.threads)
    model = SparseEncoder(str(contender.path), device="cpu")
    return (
        lambda texts: model.encode_document(texts, batch_size=contender.batch_size),
        lambda vectors: float(model.sparsity(vectors)["active_dims"]),
    )


def _load_bundle(contender: Contender) -> tuple[Callable[[list[str]], Any], Callable[[Any], float]]:
    from sparse_client import LocalEncoder

    encoder = LocalEncoder(contender.path, threads=contender.threads, batch_size=contender.batch_size)
    return encoder.encode_documents, _mean_active


def _mean_active(vectors: Sequence[Any]) -> float:
    return sum(len(vector.indices) for vector in vectors) / len(vectors)
