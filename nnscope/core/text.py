"""Names from files are plain text everywhere (promise P8).

`plain` makes any string safe to show: control and bidirectional characters become visible escapes and long names
are elided in the middle. It never interprets markup; widgets that could must be set to plain text as well.
"""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str, limit: int = 256) -> str:
    """``text`` with control, format and bidirectional characters escaped, elided to ``limit`` characters.

    A limit of 0 keeps the full length.
    """
    if limit and len(text) > 4 * limit:  # don't escape a megabyte to show a line of it
        text = text[: 2 * limit] + text[-2 * limit :]
        elided = True
    else:
        elided = False
    shown = "".join(_visible(c) for c in text)
    if limit and (elided or len(shown) > limit):
        head = (limit - 1) * 2 // 3
        shown = shown[:head] + "…" + shown[-(limit - 1 - head) :]
    return shown


def _visible(c: str) -> str:
    if c.isascii():
        return c if c.isprintable() else f"\\x{ord(c):02x}"
    if c in _BIDI or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
    return c
