"""Progress on stderr: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_SECONDS = 60.0  # between two lines where there is no terminal


@contextmanager
def progress_bar(total: int | None, shown: bool, what: str = "encoding") -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number of texts just done.

    Args:
        total: Number of texts to come, None if unknown.
        shown: Whether to show anything.
        what: What is done with them.
    """
    if not shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns = (what, BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)


@contextmanager
def progress(total: int | None, what: str = "encoding") -> Iterator[Callable[[int], None]]:
    """Give such a function for long work: a bar on a terminal, elsewhere a line a minute."""
    if sys.stderr.isatty():
        with progress_bar(total, True, what) as advance:
            yield advance
        return
    done = told = 0
    last = time.monotonic()

    def tell(count: int) -> None:
        nonlocal done, told, last
        done, now = done + count, time.monotonic()
        if now - last < LINE_SECONDS:
            return
        rate = (done - told) / (now - last)
        rest = f", {(total - done) / rate / 60:.0f} minutes left" if total is not None and rate else ""
        of = "" if total is None else f" of {total:,}"
        sys.stderr.write(f"{what}: {done:,}{of}, {rate:,.0f}/s{rest}\n")
        told, last = done, now

    yield tell
