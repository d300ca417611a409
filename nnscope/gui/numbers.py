"""How numbers are written in the window, beside what `nnscope.scene.numbers` has: grouped, cut for aligning, whole.

What is shown has a true minus sign; what is typed or copied has the one of the keyboard.
"""

from __future__ import annotations

from nnscope.scene import numbers

THIN = "\u202f"  # narrow no-break space between groups of three digits
DIGITS = 6


def shown(value: float) -> str:
    """At most six significant digits, to look at."""
    return numbers.short(value, DIGITS)


def typed(value: float) -> str:
    """At most six significant digits, as in a field."""
    return f"{value:.{DIGITS}g}"


def full(value: float) -> str:
    """Every digit: reading it back gives the same number."""
    return repr(value)


def count(value: int) -> str:
    """An integer in groups of three digits."""
    return f"{value:,}".replace(",", THIN)


def at_point(text: str) -> tuple[str, str]:
    """``text`` cut at its decimal point: (before it, from it on), for aligning columns.

    A number without a point is cut before its exponent, or at its end.
    """
    for mark in (".", "e"):
        at = text.find(mark)
        if at >= 0:
            return text[:at], text[at:]
    return text, ""
