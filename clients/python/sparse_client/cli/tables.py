"""Weighted tokens for the eye."""

import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_BAR = 30
_TITLE = 70
_TOKEN = 12
_GAP = 2  # that rich leaves around a column


def print_table(
    title: str,
    tokens: Sequence[tuple[str, float]],
    notes: Sequence[str] | None = None,
    empty: str = "(no active dimension)",
) -> None:
    """Print tokens with their weights and a bar each, the longest bar for the strongest.

    Bars are shorter in a narrow terminal; tokens and numbers are always whole.

    Args:
        title: What was encoded; cut to one short line.
        tokens: The tokens with their weights, by falling weight.
        notes: One more column, None for none.
        empty: What to say where there is not a token.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no CJK shows "?" rather than fail
    columns = [[_one_line(token) for token, _ in tokens], [f"{weight:.3f}" for _, weight in tokens]]
    columns += [] if notes is None else [list(notes)]
    longest = _bar_room(columns)
    strongest = max((weight for _, weight in tokens), default=0.0)
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True, min_width=_TOKEN)
    for _ in columns[1:]:
        table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for position, (_, weight) in enumerate(tokens):
        bar = "█" * max(0, round(longest * weight / strongest)) if strongest > 0 else ""
        table.add_row(*(Text(column[position]) for column in columns), Text(bar, style="cyan"))
    if not tokens:
        table.add_row(Text(empty, style="dim"))
    _print(Text(_one_line(title), style="bold"), table, "")


def print_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header, all but the first column to the right."""
    table = Table(box=None, pad_edge=False)
    for position, name in enumerate(header):
        table.add_column(name, justify="right" if position else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    _print(table)


def _print(*parts: RenderableType) -> None:
    """Print as wide as it is: rich would cut what does not fit the terminal, or the 80 columns that it gives a pipe."""
    Console(file=sys.stdout, width=sys.maxsize).print(*parts)


def _bar_room(columns: Sequence[Sequence[str]]) -> int:
    """Return how long the longest bar may be beside the other columns."""
    if not sys.stdout.isatty():
        return _BAR
    token, *numbers = (max(map(cell_len, column), default=0) + _GAP for column in columns)
    taken = max(token, _TOKEN + _GAP) + sum(numbers) + _GAP
    return max(1, min(_BAR, Console(file=sys.stdout).width - taken))


def _one_line(text: str) -> str:
    """Replace control characters, which could steer the terminal."""
    shown = "".join(character if character.isprintable() else " " for character in text[: _TITLE + 1])
    return shown if len(shown) <= _TITLE else shown[: _TITLE - 1] + "…"
