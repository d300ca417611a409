"""Volumes: what a three-dimensional view of a tensor sends to be drawn.

Axes are [depth, rows, columns] = [z, y, x] throughout. Level k + 1 halves every side of level k, rounding up, as in the
pyramid of pictures (methods.md §4); a voxel of level k stands for up to 8**k voxels of level 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.space_picture import array_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step
    from nnscope.core.space_picture import Corner

Shape3 = tuple[int, int, int]

BRICK = 8  # voxels a side
VOXELS = 1 << 27  # of one picture: 512 MiB of float32
TEXELS = 1 << 28  # of a texture: 1 GiB of float32, the most that software drivers take
SIDE = 2048  # voxels that every driver for desktops allows along a side of a texture


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
    tints : ndarray of uint8, shape [z, y, x, 3] of the level, or [1, y, x, 3] for all depths; or None
        Of translucent pictures: the colour of each voxel at full brightness; None for those of the scale.
    weights : ndarray of float32, shape (depths of the level,), or None
        Of translucent pictures: what the opacity at each depth is multiplied by, in [0, 1].
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
    tints: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return array_bytes(self.values, self.states, self.low, self.high, self.tints, self.weights)

    @property
    def bounds(self) -> Shape3:
        """The box that it fills: depth, rows and columns."""
        return self.shape

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """The least and the greatest corner (x, y, z) of ``size`` voxels along each axis from (row, column, depth)."""
        row, col, depth = place
        return (col, row, depth), (col + size, row + size, depth + size)


@dataclass(frozen=True, slots=True)
class Fold:
    """How a volume with long sides lies in a texture: one or two of them cut into pieces, stacked along the shortest.

    Each piece has one voxel more on either end of every side, so that interpolation finds the neighbours there.

    Attributes
    ----------
    along : int
        Of [z, y, x]: the side along which the pieces lie.
    pieces : (int, int, int)
        Into how many each side is cut.
    lengths : (int, int, int)
        Voxels of a piece along each axis, without the two more.
    shape : (int, int, int)
        Texels along each axis of the texture.
    """

    along: int
    pieces: Shape3
    lengths: Shape3
    shape: Shape3

    @property
    def steps(self) -> Shape3:
        """Texels in the texture from a piece to the next one along each axis of the volume."""
        thickness = self.lengths[self.along] + 2
        depth, rows, _ = self.pieces
        return thickness, thickness * depth, thickness * depth * rows


def fold(shape: Shape3, limit: int = SIDE) -> Fold | None:
    """How to lay a volume into a texture with sides up to ``limit`` and at most `TEXELS` texels; None for no way."""
    along = min(range(3), key=lambda axis: shape[axis])
    pieces = _three(1 if axis == along else -(-side // (limit - 2)) for axis, side in enumerate(shape))
    lengths = _three(-(-side // count) for side, count in zip(shape, pieces, strict=True))
    stacked = [math.prod(pieces) if axis == along else 1 for axis in range(3)]
    sides = _three((length + 2) * count for length, count in zip(lengths, stacked, strict=True))
    fits = max(sides) <= limit and math.prod(sides) <= TEXELS
    return Fold(along, pieces, lengths, sides) if fits else None


def _three(sides: Iterable[int]) -> Shape3:
    depth, rows, cols = sides
    return depth, rows, cols


def volume_levels(shape: Shape3) -> int:
    """Number of levels of a volume: the last is a single voxel."""
    side = max(shape)
    return 1 if side <= 1 else (side - 1).bit_length() + 1


def volume_level_shape(shape: Shape3, level: int) -> Shape3:
    """Voxels along each axis of a level."""
    return _three(-(-side // 2**level) for side in shape)


def least_level(shape: Shape3, voxels: int = VOXELS) -> int:
    """The finest level of at most so many voxels which fits into a texture, folded if need be."""
    return next(k for k in range(volume_levels(shape)) if _fits(volume_level_shape(shape, k), voxels))


def _fits(shape: Shape3, voxels: int) -> bool:
    return math.prod(shape) <= voxels and (max(shape) <= SIDE or fold(shape) is not None)
