"""Parts of a corpus, several at a time: each process has the bundle open and makes one part after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TYPE_CHECKING, Any

from sparse_client.corpus.folder import Folder, Part
from sparse_client.corpus.job import Job, Texts
from sparse_client.errors import SparseClientError

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

_POLL = 0.5  # seconds between two looks at the progress
_mine: tuple[Job, Any, Synchronized[int]]  # what this process works with: the job, its encoder, the texts done


def encode_in_processes(
    job: Job, parts: Iterator[Texts], folder: Folder, workers: int, advance: Callable[[int], object]
) -> None:
    """Make parts, at most one more of them in memory than there are processes; see `encode_parts`."""
    context = multiprocessing.get_context("spawn")  # threads of a runtime do not survive a fork
    done = context.Value("q", 0)
    reported = 0
    with ProcessPoolExecutor(workers, context, _start, (job, done)) as pool:
        try:
            pending = {pool.submit(_run, texts): texts.number for texts in islice(parts, workers + 1)}
            while pending:
                finished = wait(pending, _POLL, FIRST_COMPLETED).done
                advance(done.value - reported)
                reported = done.value
                for future in finished:
                    folder.add(pending.pop(future), future.result())
                    pending |= {pool.submit(_run, texts): texts.number for texts in islice(parts, 1)}
        except BrokenProcessPool as error:
            raise SparseClientError(
                f"one of {workers} processes was killed, perhaps for its memory: the same command goes on from there, "
                "with fewer --workers it needs less"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start(job: Job, done: Synchronized[int]) -> None:
    global _mine
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _mine = job, job.encoder(), done


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # it was killed: what is made now would be nobody's


def _run(texts: Texts) -> Part:
    job, encoder, done = _mine

    def advance(count: int) -> None:
        with done.get_lock():
            done.value += count

    return job.run(encoder, texts, advance)
