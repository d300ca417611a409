"""Volumes: what a three-dimensional view of a tensor sends to be drawn.

Axes are [depth, rows, columns] = [z, y, x] throughout. Level k + 1 halves every side of level k, rounding up, as in the
pyramid of pictures (methods.md §4); a voxel of level k stands for up to 8**k voxels of level 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step

Shape3 = tuple[int, int, int]

BRICK = 8  # voxels a side
VOXELS = 1 << 27  # of one picture: 512 MiB of float32


@dataclass(frozen=True, slots=True, eq=False)
class VolumePicture:
    """All voxels of one level of a three-dimensional view of a tensor.

    Attributes
    ----------
    address, view, layout, version
        What is shown, and the content version of the tensor it was made from.
    shape : (int, int, int)
        Depth, rows and columns at level 0.
    level : int
        The level of ``values``.
    values : ndarray of float32, shape [z, y, x] of the level
        The reduced value of each voxel; 0 where the state is not FINITE.
    states : ndarray of uint8, same shape, or None
        `State` of each voxel; None when every one is a finite value.
    low, high : ndarray of float32, shape (bricks along z, y, x)
        Least and greatest finite value of each brick of `BRICK` voxels a side and of the voxels that touch it, which
        are what linear interpolation inside the brick can reach; +∞ and −∞ where there is none.
    reduction : str
        What a voxel above level 0 holds: ``"max"``, ``"min"``, ``"mean"`` or ``"extremes"``; ``""`` at level 0.
    recipe : tuple of Step
        The ordered steps from the tensor to these arrays, before colour.
    sampled : float
        Share of the elements that was looked at; 1.0 means exact.
    notes : tuple of str
        Sentences for the legend.
    """

    address: str
    view: str
    layout: Layout
    version: int
    shape: Shape3
    level: int
    values: np.ndarray
    states: np.ndarray | None
    low: np.ndarray
    high: np.ndarray
    reduction: str
    recipe: tuple[Step, ...]
    sampled: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        states = 0 if self.states is None else self.states.nbytes
        return self.values.nbytes + states + self.low.nbytes + self.high.nbytes


def volume_levels(shape: Shape3) -> int:
    """Number of levels of a volume: the last is a single voxel."""
    side = max(shape)
    return 1 if side <= 1 else (side - 1).bit_length() + 1


def volume_level_shape(shape: Shape3, level: int) -> Shape3:
    """Voxels along each axis of a level."""
    depth, rows, cols = (-(-side // 2**level) for side in shape)
    return depth, rows, cols


def least_level(shape: Shape3, voxels: int = VOXELS) -> int:
    """The finest level of at most so many voxels."""
    return next(k for k in range(volume_levels(shape)) if math.prod(volume_level_shape(shape, k)) <= voxels)
