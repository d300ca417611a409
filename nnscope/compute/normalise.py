"""Normalisations of methods.md §2 as pointwise maps: u = (f((x − shift)/scale) − lo)/(hi − lo), see `Normalisation`.

======  =============  ======  =====================  ==========================================================
name    f              shift   scale                  default domain, as values of t = f((x − shift)/scale)
======  =============  ======  =====================  ==========================================================
linear  t              0       1                      ±max|x| for signed tensors, else min to max
minmax  t              0       1                      min to max
zscore  t              mean    std                    ±3
robust  t              median  1.4826·MAD             ±3
log     sign·log1p|t|  0       median of non-zero |x|  ±f(max|x|) for signed tensors, else f(min) to f(max)
tanh    tanh t         0       (1.4826·MAD or std)/α  ±1 for signed tensors, else the half on the values' side
======  =============  ======  =====================  ==========================================================

Where the MAD is next to nothing beside the standard deviation (`CONCENTRATED`), as of attention behind a causal mask,
nearly all that stands out from zero would have the one colour at the end of tanh: it takes the standard deviation then.

A robust scale of zero (MAD = 0) falls back to zscore, whose name the result then carries, and for a standard deviation
of zero to x − median. Tensors of one value, or of nothing finite, have no scale: every value present maps to t = 0,
never to NaN; that is u = 0 for linear, minmax and log, and the middle of the colours for the others.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.core.errors import NnscopeError
from nnscope.core.legend import Normalisation

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.statistics import TensorStats

MAD_TO_STD = 1.4826  # of a normal distribution
CONCENTRATED = 1 / 64  # of the standard deviation: where 1.4826·MAD is less, it tells of half the values alone
SPREAD = 3.0  # half-width of the default domain of zscore and robust
_LARGE = 1e300  # differences of larger values overflow float64
_SLACK = 1e-9  # of the range: rounding of a domain that was mapped there and back


def normalisation(
    name: str, stats: TensorStats, limits: tuple[float, float] | None = None, alpha: float = 1.0
) -> Normalisation:
    """The normalisation of that name for a tensor with these statistics.

    Parameters
    ----------
    name : {"linear", "minmax", "zscore", "robust", "log", "tanh"}
    stats : TensorStats
    limits : (float, float) or None
        Raw values at the ends of the colour scale, in either order; None for the default domain.
    alpha : float
        Steepness of tanh, > 0.

    Raises
    ------
    NnscopeError
        If there is no such normalisation, or the limits or alpha are not what is asked for.
    """
    build = _BUILDERS.get(name)
    if build is None:
        raise NnscopeError("There is no normalisation of this name.", name, f"There are: {', '.join(NAMES)}.")
    if not (math.isfinite(alpha) and alpha > 0):
        raise NnscopeError("The steepness of tanh must be above zero.", repr(alpha))
    result = build(stats)
    if name == "tanh":
        result = replace(result, scale=_positive(result.scale / alpha))
    return result if limits is None else _within(result, limits)


def apply(chosen: Normalisation, x: Any) -> Any:
    """Colour coordinate u (float64) of every value of a real array, NumPy's or CuPy's; NaN where it is not finite."""
    xp = namespace(x)
    t = xp.array(x, xp.float64)  # changed in place: more copies would be larger than all else
    with np.errstate(all="ignore"):
        t -= chosen.shift
        t /= chosen.scale
        if chosen.function == "log":
            xp.copysign(_log1p_of_size(xp, t), t, out=t)
        elif chosen.function == "tanh":
            xp.tanh(t, out=t)
        t -= chosen.lo
        t /= chosen.hi - chosen.lo
    xp.copyto(t, xp.nan, where=~xp.isfinite(xp.asarray(x)))
    return t


def _log1p_of_size(xp: Any, t: Any) -> Any:
    size = xp.abs(t, out=xp.empty_like(t))
    return xp.log1p(size, out=size)


def clipped_share(stats: TensorStats, domain: tuple[float, float]) -> float:
    """Share of the finite values outside ``domain``, in [0, 1].

    Read from the histogram, with the values of a bin spread evenly over it: the error is at most the share of the two
    bins that the limits cut. Where that is much, as of a tensor that is nearly all zeros, what is known of these keeps
    it from being told for clipped. Exactly 0 when the domain holds the whole range.
    """
    if not stats.finite:
        return 0.0
    low, high = sorted(domain)
    slack = _SLACK * (stats.max / 2 - stats.min / 2)
    if low <= stats.min + slack and stats.max - slack <= high:
        return 0.0
    if stats.min == stats.max:
        return 1.0
    counts = np.concatenate([[0], np.cumsum(stats.histogram)]) / stats.finite
    edges = np.linspace(stats.min / 2, stats.max / 2, counts.size)  # halved: the range itself may overflow
    below, above = np.interp([low / 2, high / 2], edges, counts)
    return float(min(1.0, max(0.0, 1.0 - max(above - below, _surely_within(stats, low, high)))))


def _surely_within(stats: TensorStats, low: float, high: float) -> float:
    """A share of the finite values that is known to lie within limits."""
    tiny = 1e-6 * stats.abs_max
    known = [(0.0, 0.0, stats.zeros / stats.finite), (-tiny, tiny, stats.near_zero / stats.finite)]
    known.append((stats.median - stats.mad, stats.median + stats.mad, 0.5))
    return max((share for first, last, share in known if low <= first and last <= high), default=0.0)


def _linear(stats: TensorStats) -> Normalisation:
    if not stats.signed:
        return replace(_minmax(stats), name="linear")
    unit = 1.0 if stats.abs_max < _LARGE else stats.abs_max
    return Normalisation("linear", "identity", 0.0, unit, -stats.abs_max / unit, stats.abs_max / unit)


def _minmax(stats: TensorStats) -> Normalisation:
    if _flat(stats):
        value = _value(stats)
        return Normalisation("minmax", "identity", 0.0, 1.0, *_apart(value, value + max(1.0, abs(value))))
    unit = 1.0 if stats.abs_max < _LARGE else stats.abs_max
    return Normalisation("minmax", "identity", 0.0, unit, *_apart(stats.min / unit, stats.max / unit))


def _zscore(stats: TensorStats) -> Normalisation:
    shift = _value(stats) if _flat(stats) else stats.mean
    return Normalisation("zscore", "identity", shift, _positive(0.0 if _flat(stats) else stats.std), -SPREAD, SPREAD)


def _robust(stats: TensorStats) -> Normalisation:
    scale = MAD_TO_STD * stats.mad
    if scale > 0 and math.isfinite(scale):
        return Normalisation("robust", "identity", stats.median, scale, -SPREAD, SPREAD)
    if not _flat(stats) and stats.std > 0:
        return _zscore(stats)
    return Normalisation("robust", "identity", _value(stats), 1.0, -SPREAD, SPREAD)


def _log(stats: TensorStats) -> Normalisation:
    if _flat(stats):
        return Normalisation("log", "log", _value(stats), 1.0, 0.0, 1.0)
    result = Normalisation("log", "log", 0.0, _positive(stats.median_abs_nonzero, stats.abs_max), 0.0, 1.0)
    ends = (-stats.abs_max, stats.abs_max) if stats.signed else (stats.min, stats.max)
    return _within(result, ends)


def _tanh(stats: TensorStats) -> Normalisation:
    if _flat(stats):
        return Normalisation("tanh", "tanh", _value(stats), 1.0, -1.0, 1.0, faithful=False)
    spread = MAD_TO_STD * stats.mad
    scale = _positive(spread if spread > CONCENTRATED * stats.std else 0.0, stats.std, stats.abs_max)
    low, high = (0.0 if stats.min >= 0 else -1.0), (0.0 if stats.max <= 0 else 1.0)
    return Normalisation("tanh", "tanh", 0.0, scale, low, high, faithful=False)


_BUILDERS: dict[str, Callable[[TensorStats], Normalisation]] = {
    "linear": _linear,
    "minmax": _minmax,
    "zscore": _zscore,
    "robust": _robust,
    "log": _log,
    "tanh": _tanh,
}
NAMES = tuple(_BUILDERS)


def _within(chosen: Normalisation, limits: tuple[float, float]) -> Normalisation:
    """The same map with raw values ``limits`` at the ends of the colour scale."""
    if not all(map(math.isfinite, limits)):
        raise NnscopeError("The limits must be two finite numbers.", f"{limits[0]} … {limits[1]}")
    unit = replace(chosen, lo=0.0, hi=1.0)  # whose u is t
    low, high = (unit.forward(x) for x in sorted(limits))
    return replace(chosen, lo=(ends := _apart(low, high))[0], hi=ends[1])


def _flat(stats: TensorStats) -> bool:
    """Whether there are no two different finite values."""
    return stats.finite == 0 or stats.min == stats.max


def _value(stats: TensorStats) -> float:
    """The one value of a flat tensor; 0 when nothing is finite."""
    return stats.min if stats.finite else 0.0


def _positive(*scales: float) -> float:
    """The first that can be divided by; 1 when none can."""
    return next((s for s in scales if math.isfinite(s) and s > 0), 1.0)


def _apart(low: float, high: float) -> tuple[float, float]:
    """``low`` and ``high`` if they are different finite numbers, else the nearest that are."""
    if low < high and math.isfinite(high - low):
        return low, high
    if low < high or math.isinf(high):  # their difference overflows
        return max(low, -_LARGE), min(high, _LARGE)
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)
