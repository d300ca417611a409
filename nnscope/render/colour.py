"""From raw values to colours: the plain twin of ``shaders/heatmap.frag``, and the numbers the shader gets.

u = (f((x − shift) / scale) − lo) / (hi − lo) picks one of 256 colours, floor(256 u); values below or above the domain,
NaN and infinities have colours of their own. In float32, done as written, this fails for domains near the ends of the
number range (hi − lo overflows) and for narrow ones far from 0 (cancellation). So the shader gets the values scaled by
a power of two, subtracts the lower end in two parts and compares the raw values themselves with the limits, rounded
towards the inside: a value at the very end of the domain is never drawn as clipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle
    from nnscope.core.legend import Normalisation

COLOURS = 256
UNDER, OVER = 256, 257  # places in a palette; states follow `OVER`
PALETTE = 512  # texels in a palette's row, a power of two

_CURVES = {"identity": 0, "log": 1, "tanh": 2}
_MAX = float(np.finfo(np.float32).max)
_SAME = 1e-12  # limits closer to a float32 than this, relative, mean that float32


@dataclass(frozen=True, slots=True)
class Mapping:
    """A normalisation as the shader's uniforms; all numbers are exact float32.

    Attributes
    ----------
    curve : int
        0 identity, 1 log, 2 tanh.
    scale : (float, float, float, float)
        A power of two, the shift in two parts, and the factor that follows it.
    range : (float, float)
        Lowest t and colours per unit of t; not used by the identity, whose factor is colours per unit already.
    limits : (float, float)
        Smallest and largest float32 inside the domain.
    """

    curve: int
    scale: tuple[float, float, float, float]
    range: tuple[float, float]
    limits: tuple[float, float]


def mapping(norm: Normalisation) -> Mapping:
    """The uniforms of a normalisation."""
    curve = _CURVES[norm.function]
    low = norm.shift + norm.scale * norm.lo
    high = norm.shift + norm.scale * norm.hi
    shift, unit = (norm.shift, norm.scale) if curve else (low, (high - low) / COLOURS)
    power = -max(-126, min(126, math.frexp(max(abs(shift), abs(shift + unit * (1 if curve else COLOURS))))[1]))
    scaled = math.ldexp(shift, power)
    large = _single(scaled)
    factor = min(1.0 / math.ldexp(unit, power), _MAX) if unit else _MAX
    return Mapping(
        curve,
        (math.ldexp(1.0, power), large, _single(scaled - large), _single(factor)),
        (_single(norm.lo), _single(COLOURS / (norm.hi - norm.lo))) if curve else (0.0, 1.0),
        _limits(norm),
    )


def _limits(norm: Normalisation) -> tuple[float, float]:
    """The domain's ends as float32, rounded inwards; a tanh that reaches ±1 has none on that side."""
    low, high = _raw(norm, norm.lo), _raw(norm, norm.hi)
    low -= _SAME * (abs(low) + abs(norm.shift))
    high += _SAME * (abs(high) + abs(norm.shift))
    if norm.function == "tanh":
        low, high = (-math.inf if norm.lo <= -1 else low), (math.inf if norm.hi >= 1 else high)
    return _up(low), _down(high)


def _raw(norm: Normalisation, t: float) -> float:
    """The raw value of t; by way of u it would lose the smaller end of an uneven domain."""
    if norm.function == "log":
        t = math.copysign(math.expm1(abs(t)), t)
    elif norm.function == "tanh":
        t = math.atanh(min(max(t, -1 + _SAME), 1 - _SAME))
    return t * norm.scale + norm.shift


def _up(x: float) -> float:
    """The smallest float32 that is at least ``x``."""
    near = np.float32(min(max(x, -_MAX), _MAX))
    return float(near if near >= x else np.nextafter(near, np.float32(_MAX)))


def _down(x: float) -> float:
    """The largest float32 that is at most ``x``."""
    return -_up(-x)


def _single(x: float) -> float:
    return float(np.float32(x))


def colour_index(values: np.ndarray, states: np.ndarray, to: Mapping) -> np.ndarray:
    """Place in the palette of each cell, by the shader's own float32 arithmetic.

    Parameters
    ----------
    values : ndarray of float32
    states : ndarray of uint8, same shape
    to : Mapping

    Returns
    -------
    ndarray of intp, same shape
    """
    power, large, small, factor = map(np.float32, to.scale)
    lowest, per_unit = map(np.float32, to.range)
    with np.errstate(over="ignore", invalid="ignore"):
        t = (values * power - large - small) * factor
        if to.curve:
            t = (_curve(t, to.curve) - lowest) * per_unit
        index = np.clip(np.floor(np.nan_to_num(t)), 0, COLOURS - 1).astype(np.intp)
    index[values < np.float32(to.limits[0])] = UNDER
    index[values > np.float32(to.limits[1])] = OVER
    return np.where(states > 0, OVER + states.astype(np.intp), index)


def _curve(t: np.ndarray, curve: int) -> np.ndarray:
    bent: np.ndarray = np.sign(t) * np.log1p(np.abs(t)) if curve == 1 else np.tanh(t)
    return bent


def palette(style: ColourStyle) -> np.ndarray:
    """The row of the palette texture: uint8, shape (512, 4)."""
    row = np.full((PALETTE, 4), 255, np.uint8)
    row[:COLOURS] = style.lut
    ends = (style.under, style.over, style.nan, style.posinf, style.neginf, style.padding)
    row[COLOURS : COLOURS + len(ends), :3] = ends
    return row


def colours(values: np.ndarray, states: np.ndarray, norm: Normalisation, style: ColourStyle) -> np.ndarray:
    """The colour each cell is drawn in: uint8, the shape of ``values`` and (3,)."""
    drawn: np.ndarray = palette(style)[colour_index(values, states, mapping(norm)), :3]
    return drawn
