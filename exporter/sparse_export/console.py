"""What commands that export show: the current step on stderr, tables on stdout; and how a signal stops them."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sparse_export.options import ExportOptions

if TYPE_CHECKING:
    from sparse_client.bundle.manifest import Manifest


class _Status(logging.Handler):
    """Shows the step that the exporter logs on stderr: beside a spinner in a terminal, as a line each elsewhere."""

    def __init__(self, console: Any, status: Any) -> None:
        super().__init__()
        self._console, self._status = console, status

    def emit(self, record: logging.LogRecord) -> None:
        self._status.update(record.getMessage())
        if not self._console.is_terminal:
            self._console.print(record.getMessage(), highlight=False, soft_wrap=True)


@contextlib.contextmanager
def steps() -> Iterator[None]:
    """Show the current step on stderr."""
    from rich.console import Console

    console, log = Console(stderr=True), logging.getLogger("sparse_export")
    with console.status("Loading libraries") as status:
        handler = _Status(console, status)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)


def show_table(rows: list[tuple[str, ...]], title: str | None = None) -> None:
    """Print rows, the first of which is the head, as a table on stdout."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text  # a shape in square brackets is no markup

    table = Table()
    for name in rows[0]:
        table.add_column(Text(name))
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    # A pipe has no width, and rich would fold the table into its default of 80 columns.
    console = Console(width=None if sys.stdout.isatty() else 200)
    if title:  # above the table, not in it: a path is never folded at the table's width
        console.print(Text(title, style="italic"), soft_wrap=True)
    console.print(table)


def show_export(options: ExportOptions, manifest: Manifest) -> None:
    """Print how far an export is from PyTorch, and what else is worth a line."""
    from sparse_export.bundle import report

    show_table(report.parity_rows(manifest), title=f"{options.output}: {options.precision} against PyTorch")
    if manifest.quality:
        show_table(report.quality_rows(manifest), title=f"retrieval on {options.eval_data}")
    show_table([("", ""), *report.summary_rows(manifest)])


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM, which would end the process at once, clean up as Ctrl-C does."""

    def stop(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
