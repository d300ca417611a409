"""A plane in any direction as a grid of cells, each the voxel in which its centre lies. float64.

A cell is a voxel wide and high. Rows and columns run along two unit vectors in the plane, turned so that indices grow
downwards and to the right as in a heat map, and are counted from the plane's centre: the foot of the perpendicular from
the middle of the volume. The grid is as large as the volume seen along the normal, wherever along it the plane lies.
Positions are (x, y, z) in voxels of level 0; see `nnscope.core.cut`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.cutting import direction, slab

if TYPE_CHECKING:
    from nnscope.core.cut import Cut
    from nnscope.core.volume import Shape3

    Span = tuple[int, int]

ROUNDED = 9  # decimals beyond which directions and sizes are noise


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A plane's cells.

    Attributes
    ----------
    right, down, across : ndarray of float64, shape (3,)
        Unit vectors along columns and rows, and through the slab, away from the camera that it faces.
    centre : ndarray of float64, shape (3,)
        The middle of the grid, in the middle of the slab.
    grid : (int, int)
        Rows and columns.
    offsets : ndarray of float64
        Where through the slab values are taken, along ``across`` from ``centre``; those that can't meet the volume are
        left out, but for one.
    shape : Shape3
        Of the volume, [z, y, x].
    """

    right: np.ndarray
    down: np.ndarray
    across: np.ndarray
    centre: np.ndarray
    grid: tuple[int, int]
    offsets: np.ndarray
    shape: Shape3

    def voxels(self, rows: Span, cols: Span) -> tuple[np.ndarray, np.ndarray]:
        """The voxels of the cells [rows) × [cols).

        Returns
        -------
        places : ndarray of int64, shape (through the slab, rows, columns, 3)
            [z, y, x], within the volume or not.
        outside : ndarray of bool, shape (through the slab, rows, columns)
        """
        down = (np.arange(*rows) + (0.5 - self.grid[0] / 2))[:, None, None] * self.down
        right = (np.arange(*cols) + (0.5 - self.grid[1] / 2))[:, None] * self.right
        flat = self.centre + down + right
        points = flat + self.offsets[:, None, None, None] * self.across
        places = np.floor(np.round(points, ROUNDED)).astype(np.int64)[..., ::-1]
        return places, ((places < 0) | (places >= self.shape)).any(-1)

    def cell_of(self, voxel: Shape3) -> tuple[int, int] | None:
        """The cell on which a voxel's centre falls, if that cell shows this voxel; else None."""
        away = np.array(voxel[::-1]) + 0.5 - self.centre
        row = math.floor(round(float(away @ self.down) + self.grid[0] / 2, ROUNDED))
        col = math.floor(round(float(away @ self.right) + self.grid[1] / 2, ROUNDED))
        if not (0 <= row < self.grid[0] and 0 <= col < self.grid[1]):
            return None
        places, _ = self.voxels((row, row + 1), (col, col + 1))
        return (row, col) if (places == voxel).all(-1).any() else None


@lru_cache(maxsize=64)
def sheet(cut: Cut, shape: Shape3) -> Sheet:
    """The cells of a free cut placed within a volume of this shape [z, y, x]; a frame asks many times."""
    across = np.round(direction(cut), ROUNDED + 3)
    azimuth = math.radians(cut.azimuth)
    right = _growing(np.array((math.cos(azimuth), 0.0, math.sin(azimuth))))
    down = _growing(np.cross(across, right))
    size = np.array(shape[::-1], np.float64)
    low, high = slab(cut, shape)
    middle = float(across @ size) / 2
    centre = size / 2 + ((low + high) / 2 - middle) * across
    rows, cols = (max(1, math.ceil(round(float(np.abs(way) @ size), ROUNDED))) for way in (down, right))
    offsets = np.arange(cut.thickness) + 0.5 - cut.thickness / 2
    meets = np.abs((low + high) / 2 - middle + offsets) <= float(np.abs(across) @ size) / 2
    return Sheet(right, down, across, centre, (rows, cols), offsets[meets] if meets.any() else offsets[:1], shape)


def along(way: np.ndarray) -> str:
    """A direction in words: ``y``, ``0.87 x − 0.5 z``."""
    parts = [(round(float(share), 2), axis) for share, axis in zip(way, "xyz", strict=True)]
    told = ""
    for share, axis in parts:
        if share:
            sign = (" − " if share < 0 else " + ") if told else ("−" if share < 0 else "")
            told += f"{sign}{axis}" if abs(share) == 1 else f"{sign}{abs(share):g} {axis}"
    return told


def _growing(way: np.ndarray) -> np.ndarray:
    """The vector or its opposite: the one along which the index that changes most grows."""
    way = np.round(way, ROUNDED + 3) + 0.0
    most = int(np.argmax(np.round(np.abs(way), ROUNDED)))
    return way if way[most] > 0 else -way + 0.0
