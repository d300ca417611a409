"""Names from files are plain text everywhere (promise P8).

`plain` makes any string safe to show: control and bidirectional characters become visible escapes and long names
are elided in the middle. It never interprets markup; widgets that could must be set to plain text as well.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def plain(text: str, limit: int = 256) -> str:
    """``text`` with control, format and bidirectional characters escaped, elided to ``limit`` characters.

    A limit of 0 keeps the full length.
    """
    if limit and len(text) > 4 * limit:  # don't escape a megabyte to show a line of it
        text = text[: 2 * limit] + text[-2 * limit :]
        elided = True
    else:
        elided = False
    shown = text if text.isprintable() else "".join(map(_visible, text))
    if limit and (elided or len(shown) > limit):
        head = (limit - 1) * 2 // 3
        shown = shown[:head] + "…" + shown[-(limit - 1 - head) :]
    return shown


def abbreviations(name: str) -> Iterator[str]:
    """A dotted name shorter and shorter: its numbers and its last part stay, the others go from the inside out."""
    parts = name.split(".")
    fixed = [at for at, part in enumerate(parts) if part.isdecimal()]
    middle = fixed[-1] if fixed else len(parts) - 1
    after, before = range(middle + 1, len(parts) - 1), range(middle - 1, -1, -1)
    for at in (*after, *(at for at in before if at not in fixed)):
        parts[at] = "…"
        yield ".".join(part for at, part in enumerate(parts) if part != "…" or parts[at - 1 : at] != ["…"])


def _visible(c: str) -> str:
    """Printable characters and spaces of any width as they are; control, format and direction ones as escapes."""
    if c.isprintable() or unicodedata.category(c) == "Zs":
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
