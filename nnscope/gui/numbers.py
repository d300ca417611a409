"""How numbers are written in the window: short to look at, full to copy."""

from __future__ import annotations

import math

THIN = "\u202f"  # narrow no-break space between groups of three digits
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def short(value: float) -> str:
    """At most six significant digits."""
    special = _special(value)
    return special or f"{value:.6g}"


def full(value: float) -> str:
    """Every digit: reading it back gives the same number."""
    return repr(value)


def count(value: int) -> str:
    """An integer in groups of three digits."""
    return f"{value:,}".replace(",", THIN)


def nbytes(value: int) -> str:
    """Bytes in decimal units, three significant digits."""
    size, unit = float(value), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{value} B" if unit == 0 else f"{size:.3g} {_UNITS[unit]}"


def shape(sizes: tuple[int, ...], wide: bool = False) -> str:
    """``64×3×7×7``; ``scalar`` without axes."""
    return (" × " if wide else "×").join(map(str, sizes)) if sizes else "scalar"


def at_point(text: str) -> tuple[str, str]:
    """``text`` cut at its decimal point: (before it, from it on), for aligning columns.

    A number without a point is cut before its exponent, or at its end.
    """
    for mark in (".", "e"):
        at = text.find(mark)
        if at >= 0:
            return text[:at], text[at:]
    return text, ""


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("Inf" if value > 0 else "-Inf") if math.isinf(value) else ""
