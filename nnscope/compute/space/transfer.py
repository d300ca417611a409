"""Transfer functions of translucent pictures: how much each colour absorbs (Max 1995, "Optical models").

Along a ray of length ds in voxels of level 0, the share exp(-σ·ds) of the light from behind goes through a voxel of
extinction σ. What lies in the middle of a scale of both signs, or at the lower end of any other, is clear; σ grows with
the square of the distance from there, to ``gain`` over one mean side of the volume at the ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.normalise import apply

if TYPE_CHECKING:
    from nnscope.core.legend import Normalisation
    from nnscope.core.volume import Shape3

COLOURS = 256


def mean_side(shape: Shape3) -> float:
    """The side of a cube of as many voxels."""
    return float(np.prod(np.array(shape, np.float64)) ** (1 / 3))


def extinctions(normalisation: Normalisation, gain: float, shape: Shape3) -> np.ndarray:
    """Extinction per voxel of level 0 for each colour, then below and above the scale: float64, (258,)."""
    low, high = normalisation.domain
    u = np.append((np.arange(COLOURS) + 0.5) / COLOURS, (0.0, 1.0))
    strength = 2 * u - 1 if low < 0 < high else u
    return gain / mean_side(shape) * strength**2


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
