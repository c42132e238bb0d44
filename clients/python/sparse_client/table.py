"""Weighted tokens for the eye."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_BAR = 30
_TITLE = 70


def print_table(
    title: str,
    tokens: Sequence[tuple[str, float]],
    notes: Sequence[str] | None = None,
    empty: str = "(no active dimension)",
) -> None:
    """Print tokens with their weights and a bar each, the longest bar for the strongest.

    Args:
        title: What was encoded; cut to one short line.
        tokens: The tokens with their weights, by falling weight.
        notes: One more column, None for none.
        empty: What to say where there is no token.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no CJK shows "?" rather than fail
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True, min_width=12)
    table.add_column(justify="right")
    if notes is not None:
        table.add_column(justify="right")
    table.add_column(no_wrap=True)
    strongest = max((weight for _, weight in tokens), default=0.0)
    for position, (token, weight) in enumerate(tokens):
        bar = "█" * max(0, round(_BAR * weight / strongest)) if strongest > 0 else ""
        note = [] if notes is None else [notes[position]]
        table.add_row(Text(_one_line(token)), f"{weight:.3f}", *note, Text(bar, style="cyan"))
    if not tokens:
        table.add_row(Text(empty, style="dim"))
    Console(file=sys.stdout).print(Text(_one_line(title), style="bold"), table, "")


def print_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header, all but the first column to the right."""
    table = Table(box=None, pad_edge=False)
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(file=sys.stdout).print(table)


def _one_line(text: str) -> str:
    """Replace control characters, which could steer the terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text[: _TITLE + 1])
    return shown if len(shown) <= _TITLE else shown[: _TITLE - 1] + "…"
