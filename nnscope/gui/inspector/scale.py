"""The horizontal scale of the histogram: raw values to pixels and back, and bar heights. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats

MARGIN = 0.04  # of the data's range, left and right
FAR = 0.5  # limits beyond this many data ranges don't widen the scale: they stay at its edge


@dataclass(frozen=True, slots=True)
class Scale:
    """``lo`` is drawn at pixel ``left``, ``hi`` at ``left + width``."""

    lo: float
    hi: float
    left: float
    width: float

    def pixel(self, value: float) -> float:
        """Where a value is drawn; kept within the scale."""
        share = (value - self.lo) / (self.hi - self.lo)
        return self.left + min(max(share, 0.0), 1.0) * self.width

    def value(self, pixel: float) -> float:
        """The value at a pixel."""
        return self.lo + (pixel - self.left) / self.width * (self.hi - self.lo)


def scale_for(stats: TensorStats, limits: tuple[float, float] | None, left: float, width: float) -> Scale:
    """A scale over the data and, within reason, the limits."""
    if not stats.finite:
        lo, hi = limits or (0.0, 1.0)
        return Scale(lo, hi, left, width)
    lo, hi = stats.min, stats.max
    if not hi > lo:
        lo, hi = lo - (abs(lo) or 1.0), hi + (abs(hi) or 1.0)
    reach = FAR * (hi - lo)
    if limits is not None and math.isfinite(limits[0]) and math.isfinite(limits[1]):
        lo, hi = min(lo, max(limits[0], lo - reach)), max(hi, min(limits[1], hi + reach))
    pad = MARGIN * (hi - lo)
    if not math.isfinite(hi - lo + 2 * pad):  # ranges near the end of float64
        return Scale(lo / 2, hi / 2, left, width)
    return Scale(lo - pad, hi + pad, left, width)


def nice_ticks(scale: Scale, most: int = 5) -> list[float]:
    """Round values within the scale, at most ``most``: multiples of 1, 2 or 5 times a power of ten."""
    span = scale.hi - scale.lo
    if not (math.isfinite(span) and span / most > 1e-307):
        return []
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next((power * m for m in (1, 2, 5, 10) if span / (power * m) <= most - 1), power * 10)
    if step == 0 or scale.lo + step == scale.lo or scale.hi - step == scale.hi:  # finer than the numbers are
        return [scale.lo, scale.hi]
    first, last = math.ceil(scale.lo / step), math.floor(scale.hi / step)
    return [at * step for at in range(first, min(last, first + most) + 1)]


def column_heights(
    stats: TensorStats, scale: Scale, columns: int, log: bool, left_out: int | None = None
) -> np.ndarray:
    """Height in [0, 1] of each of ``columns`` pixel columns, [columns]: the tallest bin under it.

    ``left_out`` is a bin that is drawn otherwise: here it is empty.
    """
    if not stats.finite:
        return np.zeros(columns)
    span = stats.max / 2 - stats.min / 2  # halves: the whole range may be beyond float64
    edges = scale.lo + np.arange(columns + 1) / columns * (scale.hi - scale.lo)
    bins = len(stats.histogram)
    at = (edges / 2 - stats.min / 2) / span * bins if span > 0 else np.where(edges >= stats.min, bins, 0)
    first, last = np.clip(np.floor(at[:-1]), 0, bins), np.clip(np.ceil(at[1:]), 0, bins)
    counts = np.log1p(stats.histogram) if log else stats.histogram.astype(float)
    if left_out is not None:
        counts[left_out] = 0
    heights = np.array([counts[int(a) : int(b)].max(initial=0) for a, b in zip(first, last, strict=True)])
    top = heights.max(initial=0)
    return heights / top if top > 0 else heights
