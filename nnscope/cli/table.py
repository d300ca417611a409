"""Rows as a table: drawn on a terminal; in a pipe plain aligned columns, whole, however long a name is."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = Sequence[str]

MOST_DRAWN = 2000  # rows; laying out more would be noticed as a wait
WIDEST = 96  # characters to which a column is filled up: one very long name widens its own row only
NARROWEST = 24  # characters that the first column of a drawn table is left at least
_GAP, _DRAWN_GAP = 2, 3  # characters between columns


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head, and whether it holds numbers (aligned to the right)."""

    head: str
    numeric: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print ``rows`` on stdout; cells are plain text, never markup. The first column may hold long names."""
    widths = [max(len(column.head), *(len(row[i]) for row in rows), 0) for i, column in enumerate(columns)]
    if sys.stdout.isatty() and len(rows) <= MOST_DRAWN and _room(widths) >= min(widths[0], NARROWEST):
        _draw(columns, widths, rows)
    else:
        _write(columns, widths, rows)


def _room(widths: Sequence[int]) -> int:
    """Characters that the first column has when no other is cut."""
    return shutil.get_terminal_size().columns - sum(widths[1:]) - _DRAWN_GAP * (len(widths) - 1)


def _draw(columns: Sequence[Column], widths: Sequence[int], rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for column, width in zip(columns, widths, strict=True):
        side = "right" if column.numeric else "left"
        # the first column's names are folded where they are too long; nothing is ever cut
        least = width if table.columns else None
        table.add_column(Text(column.head), justify=side, overflow="fold", min_width=least)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False, emoji=False, markup=False).print(table)


def _write(columns: Sequence[Column], widths: Sequence[int], rows: Sequence[Row]) -> None:
    def cell(i: int, text: str) -> str:
        width = min(WIDEST, widths[i])
        return text.rjust(width) if columns[i].numeric else text.ljust(width)

    for row in ([column.head for column in columns], *rows):
        sys.stdout.write((" " * _GAP).join(cell(i, text) for i, text in enumerate(row)).rstrip() + "\n")
