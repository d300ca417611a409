"""What is written at the ends of an axis: as many digits as its range needs, in the room there is.

Where two numbers differ so late that their digits have no room, the upper one is written as what is added to the lower
one: ``+2.8e-10`` over ``0.00200412``. A label is shortened and never cut, and two labels of one axis are never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.scene.numbers import digits_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    Fits = Callable[[str], bool]

DIGITS = 4  # significant ones, where they have room


def end_labels(low: float, high: float, fits: Fits) -> tuple[str, str]:
    """The labels of the lower and the upper end of a range.

    Parameters
    ----------
    low, high : float
        Finite, ``low`` < ``high``.
    fits : callable
        Whether a text has room.

    Returns
    -------
    (str, str)
        Of the lower and the upper end; an upper one that begins with ``+`` is added to the lower one.
    """
    needed = digits_needed(low, high)
    for digits in range(max(DIGITS, needed), needed - 1, -1):
        labels = brief(low, digits), brief(high, digits)
        if labels[0] != labels[1] and all(map(fits, labels)):
            return labels
    return fitting(low, fits), fitting(high - low, lambda text: fits(f"+{text}"), "+")


def fitting(value: float, fits: Fits, sign: str = "") -> str:
    """A number with as many digits, up to `DIGITS` or what makes it fit, as have room; at least one."""
    for digits in range(DIGITS + 2, 1, -1):
        text = brief(value, digits)
        if fits(text):
            return sign + text
    return sign + brief(value, 1)


def brief(value: float, digits: int) -> str:
    """So many significant digits of a finite number as the shorter of 0.00123 and 1.23e-3, with a true minus sign."""
    plain = f"{value:.{digits}g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    powered = f"{mantissa}e{int(exponent)}"
    text = powered if "e" in plain or len(powered) < len(plain) else plain
    return text.replace("-", "−", 1) if text.startswith("-") else text
