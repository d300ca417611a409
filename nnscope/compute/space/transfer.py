"""Transfer functions of translucent pictures: how much each colour absorbs (Max 1995, "Optical models").

Along a ray of length ds in voxels of level 0, the share exp(-σ·ds) of the light from behind goes through a voxel of
extinction σ: ``gain`` over one mean side of the volume, times a curve over the colour scale. It goes in straight lines
through its points; without any, what lies in the middle of a scale of both signs, or at the lower end of any other, is
clear, and the curve grows with the square of the distance from there, to 1 at the ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.normalise import apply

if TYPE_CHECKING:
    from nnscope.core.legend import Normalisation
    from nnscope.core.space import Opacity
    from nnscope.core.volume import Shape3

COLOURS = 256
PRESETS: dict[str, Opacity] = {  # over magnitudes
    "square": (),
    "linear": ((0.0, 0.0), (1.0, 1.0)),
    "ramp": ((0.0, 0.0), (0.4, 0.0), (0.8, 1.0), (1.0, 1.0)),
    "hill": ((0.0, 0.0), (0.3, 0.0), (0.5, 1.0), (0.7, 0.0), (1.0, 0.0)),
    "two hills": (
        *((0.0, 0.0), (0.15, 0.0), (0.3, 0.4), (0.45, 0.0)),
        *((0.6, 0.0), (0.75, 1.0), (0.9, 0.0), (1.0, 0.0)),
    ),
    "iso-like": ((0.0, 0.0), (0.56, 0.0), (0.6, 1.0), (0.64, 0.0), (1.0, 0.0)),
}


def mean_side(shape: Shape3) -> float:
    """The side of a cube of as many voxels."""
    return float(np.prod(np.array(shape, np.float64)) ** (1 / 3))


def extinctions(normalisation: Normalisation, gain: float, shape: Shape3, points: Opacity = ()) -> np.ndarray:
    """Extinction per voxel of level 0 for each colour, then below and above the scale: float64, (258,)."""
    u = np.append((np.arange(COLOURS) + 0.5) / COLOURS, (0.0, 1.0))
    return gain / mean_side(shape) * curve(normalisation, points, u)


def curve(normalisation: Normalisation, points: Opacity, u: np.ndarray) -> np.ndarray:
    """The curve of opacity at places ``u`` of the colour scale, in [0, 1]."""
    if points:
        places, shares = np.array(points).T
        return np.asarray(np.interp(u, places, shares))
    strength = 2 * u - 1 if is_signed(normalisation) else u
    return np.asarray(strength**2)


def is_signed(normalisation: Normalisation) -> bool:
    """Whether the colour scale is one of both signs."""
    low, high = normalisation.domain
    return low < 0 < high


def hidden_shares(normalisation: Normalisation, gain: float, points: Opacity) -> tuple[float, ...]:
    """The share of the light that a mean side of the volume hides, for each of the colours."""
    u = (np.arange(COLOURS) + 0.5) / COLOURS
    return tuple((1 - np.exp(-gain * curve(normalisation, points, u))).tolist())


def preset(name: str, signed: bool) -> Opacity:
    """The points of one of `PRESETS`; over magnitudes for a scale of both signs."""
    over = PRESETS[name]
    if not signed or not over:
        return over
    right = tuple((0.5 + u / 2, share) for u, share in over)
    left = tuple((round(1 - u, 6), share) for u, share in reversed(right))
    return (*left[:-1], *right) if left[-1] == right[0] else (*left, *right)


def colour_places(normalisation: Normalisation, values: np.ndarray) -> np.ndarray:
    """Place in `extinctions` of each value."""
    u = apply(normalisation, values)
    inside = np.clip(np.floor(u * COLOURS), 0, COLOURS - 1).astype(np.int64)
    return np.where(u < 0, COLOURS, np.where(u > 1, COLOURS + 1, inside))


def shares(extinction: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What each piece of a ray adds to its picture, from the front: through the pieces before it, absorbed in it."""
    passes = np.exp(-extinction * lengths)
    before = np.concatenate(([1.0], np.cumprod(passes)[:-1]))
    return np.asarray(before * (1 - passes))
