"""Pictures: arrays ready to draw, with how they were made and the way back to the tensor.

A `TilePicture` holds tiles of one pyramid level of a 2D grid. A tile has either values (float32, coloured in the
shader, so that limits and colours change without a new upload) or colours (RGBA8). Cells that are no finite number
carry a `State`, because shaders can't be trusted with NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout

TILE = 256  # cells per side of a tile


class State(IntEnum):
    """What a cell holds when it isn't a finite value."""

    FINITE = 0
    NAN = 1
    POSINF = 2
    NEGINF = 3
    PADDING = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recipe: what was done, whether what you see is still the tensor, and a detail in words."""

    name: str
    faithful: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Up to `TILE` × `TILE` cells; fewer at the lower and right edge.

    Attributes
    ----------
    row, col : int
        Tile coordinates within the level.
    values : ndarray of float32, shape (h, w)
        The reduced value of each cell; 0 where the state is not FINITE. Empty (0, 0) when ``rgba`` is given.
    states : ndarray of uint8, shape (h, w)
        `State` of each cell.
    rgba : ndarray of uint8, shape (h, w, 4), or None
    """

    row: int
    col: int
    values: np.ndarray
    states: np.ndarray
    rgba: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TilePicture:
    """Tiles of one level of a view of a tensor.

    Attributes
    ----------
    address, view, layout, version
        What is shown, and the content version of the tensor it was made from.
    grid : (int, int)
        Rows and columns at level 0.
    levels : int
        Number of levels; the last is a single cell.
    level : int
        The level of ``tiles``.
    tiles : tuple of Tile
    reduction : str
        What a cell above level 0 holds: ``"mean"``, ``"extremes"``, ``"variance"``, ``"min"``, ``"max"``; ``""`` at
        level 0.
    recipe : tuple of Step
        The ordered steps from the tensor to these arrays, before colour.
    sampled : float
        Share of the elements that was looked at; 1.0 means exact.
    notes : tuple of str
        Sentences for the legend, such as the explained variance of a PCA picture.
    labels : (tuple of str, tuple of str)
        What each row and each column of level 0 is called, where not by its number; empty where by its number.
    """

    address: str
    view: str
    layout: Layout
    version: int
    grid: tuple[int, int]
    levels: int
    level: int
    tiles: tuple[Tile, ...]
    reduction: str
    recipe: tuple[Step, ...]
    sampled: float = 1.0
    notes: tuple[str, ...] = ()
    labels: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


def level_count(grid: tuple[int, int]) -> int:
    """Number of pyramid levels of a grid: the last level is one cell (methods.md §4)."""
    side = max(grid)
    return 1 if side <= 1 else (side - 1).bit_length() + 1


def level_shape(grid: tuple[int, int], level: int) -> tuple[int, int]:
    """Rows and columns of a level: each level halves both sides, rounding up."""
    return -(-grid[0] // 2**level), -(-grid[1] // 2**level)
