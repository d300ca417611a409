"""Ticks of a colour scale: round raw values, spread along the bar, labelled so that they can be told apart."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from nnscope.scene.ticks import nice_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnscope.core.legend import Normalisation

_DECADES = 12  # below the largest value; nothing of the rest has room on a bar
_FAR = 3.0  # scales from the centre beyond which tanh tells nothing apart


@lru_cache
def scale_ticks(norm: Normalisation, length: float, gap: float) -> tuple[tuple[float, str], ...]:
    """Where ticks stand on a bar and what they say, from low to high.

    Parameters
    ----------
    norm : Normalisation
    length : float
        Of the bar, in pixels.
    gap : float
        Least distance between ticks, in pixels.

    Returns
    -------
    tuple of (u, label)
        u in [0, 1] along the bar.
    """
    if norm.function == "identity":
        values, step = _even(norm, length / gap)
        texts = labels(values, step)
    else:
        values = _spread(norm, length, gap)
        texts = list(map(brief, values))
    return tuple(zip(map(norm.forward, values), texts, strict=True))


def _even(norm: Normalisation, most: float) -> tuple[list[float], float]:
    """Multiples of a nice step within the domain, and the step."""
    low, high = norm.domain
    step = nice_step((high - low) / max(most, 1.0))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [i * step for i in range(first, last + 1)], step


def _spread(norm: Normalisation, length: float, gap: float) -> list[float]:
    """Round numbers, the most telling first, as long as each keeps its distance from the others."""
    kept: list[float] = []
    places: list[float] = []
    low, high = 0.0, 1.0
    if norm.function == "tanh":
        low = max(low, norm.forward(norm.shift - _FAR * norm.scale))
        high = min(high, norm.forward(norm.shift + _FAR * norm.scale))
    for value in _candidates(*norm.domain):
        place = norm.forward(value) * length
        if low <= place / length <= high and all(abs(place - other) >= gap for other in places):
            kept.append(value)
            places.append(place)
    return sorted(kept)


def _candidates(low: float, high: float) -> Iterator[float]:
    """Zero, then powers of ten from the largest down, then fives and twos, of both signs."""
    yield 0.0
    top = math.floor(math.log10(max(abs(low), abs(high))))
    for digit in (1, 5, 2):
        for exponent in range(top, top - _DECADES, -1):
            value = digit * 10.0**exponent
            yield value
            yield -value


def labels(values: Sequence[float], step: float) -> list[str]:
    """Texts of multiples of a nice step, with as many digits as tell them apart."""
    largest = max(map(abs, values), default=0.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if (1e-4 < largest < 1e5 or largest == 0) and digits <= 6:
        return [fixed(v, digits) for v in values]
    return [_scientific(v) for v in values]


def fixed(value: float, digits: int) -> str:
    """``value`` with that many decimals, without trailing zeros of its own; a true minus sign."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return "0"
    return text.replace("-", "−")


def brief(value: float) -> str:
    """Four significant digits."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == 0:
        return "0"
    if 1e-3 <= size < 1e5:
        text = f"{value:.{max(0, 3 - math.floor(math.log10(size)))}f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
    return _scientific(value, 3)


def _scientific(value: float, digits: int = 6) -> str:
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
