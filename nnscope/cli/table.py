"""Rows as a table: drawn on a terminal; in a pipe plain aligned columns, whole, however long a name is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_DRAWN = 2000  # rows; laying out more would be noticed as a wait
WIDEST = 96  # characters to which a column is filled up: one very long name widens its own row only


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head, and whether it holds numbers (aligned to the right)."""

    head: str
    numeric: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows`` on stdout; cells are plain text, never markup."""
    if sys.stdout.isatty() and len(rows) <= MOST_DRAWN:
        _draw(columns, rows)
    else:
        _write(columns, rows)


def _draw(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column in columns:
        # names are folded, never cut; numbers keep to one line
        table.add_column(
            column.head,
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=column.numeric,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False, emoji=False, markup=False).print(table)


def _write(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    heads = [column.head for column in columns]
    widths = [min(WIDEST, max(map(len, cells))) for cells in zip(heads, *rows, strict=True)]
    last = len(columns) - 1

    def cell(i: int, text: str) -> str:
        if columns[i].numeric:
            return text.rjust(widths[i])
        return text if i == last else text.ljust(widths[i])

    for row in (heads, *rows):
        sys.stdout.write("  ".join(cell(i, text) for i, text in enumerate(row)).rstrip() + "\n")
