"""What the commands show: the step under way on stderr, tables on stdout."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any


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
