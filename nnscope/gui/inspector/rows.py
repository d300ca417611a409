"""Which statistics the inspector lists, in which words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.gui import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.statistics import TensorStats

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class StatRow:
    """A row: its name, the number as shown, every digit of it, and what it means."""

    name: str
    short: str
    full: str
    meaning: str


_REAL: tuple[tuple[str, Callable[[TensorStats], float], str], ...] = (
    ("min", lambda s: s.min, "Least finite value"),
    ("max", lambda s: s.max, "Greatest finite value"),
    ("mean", lambda s: s.mean, "Mean of the finite values"),
    ("std", lambda s: s.std, "Population standard deviation"),
    ("median", lambda s: s.median, "Middle value"),
    ("MAD", lambda s: s.mad, "Median absolute deviation from the median"),
    ("mean |x|", lambda s: s.abs_mean, "Mean magnitude"),
    ("max |x|", lambda s: s.abs_max, "Greatest magnitude"),
    ("Frobenius", lambda s: s.frobenius, "Norm √Σx² over the finite values"),
)
_COUNTS: tuple[tuple[str, Callable[[TensorStats], int], str], ...] = (
    ("zeros", lambda s: s.zeros, "Values that are exactly zero"),
    ("near zero", lambda s: s.near_zero, "Values with |x| ≤ 10⁻⁶ · max |x|, zeros included"),
    ("positive", lambda s: s.positive, "Values above zero"),
    ("NaN", lambda s: s.nan, "Not a number"),
    ("+Inf", lambda s: s.posinf, "Positive infinity"),
    ("-Inf", lambda s: s.neginf, "Negative infinity"),
)


def stat_rows(stats: TensorStats | None) -> list[StatRow]:
    """All rows; dashes while the statistics are on their way."""
    if stats is None:
        return [StatRow(name, NOTHING, NOTHING, meaning) for name, _, meaning in (*_REAL, *_COUNTS)]
    real = [_real(name, value(stats), meaning) for name, value, meaning in _REAL]
    return real + [_counted(name, value(stats), meaning, stats) for name, value, meaning in _COUNTS]


def sample_note(stats: TensorStats | None) -> str:
    """What to know about the numbers' exactness; empty when they are exact."""
    if stats is None or (stats.sampled == 1 and not stats.quantile_error):
        return ""
    if stats.sampled < 1:
        return f"From a sample: {stats.sampled:.2%} of the values."
    return f"Median and MAD are within {numbers.shown(stats.quantile_error)}."


def _real(name: str, value: float, meaning: str) -> StatRow:
    return StatRow(name, numbers.shown(value), numbers.full(value), meaning)


def _counted(name: str, value: int, meaning: str, stats: TensorStats) -> StatRow:
    share = value / stats.count if stats.count else 0.0
    return StatRow(name, numbers.count(value), f"{value} of {stats.count} ({share:.3%})", meaning)
