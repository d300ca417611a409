"""Voxels as opaque cubes: the leaves of an octree over a three-dimensional view of a tensor (methods.md §6).

Axes are [depth, rows, columns] = [z, y, x]. A node of level k is a cube of 2**k voxels of level 0, and starts at a
multiple of that; at the end of the volume it covers fewer. A picture of level k shows leaves of level k and more, each
with its mean, and in place of the nodes of level k that divide further, these nodes with their value of largest
magnitude: so one voxel that stands out is never lost. At level 0 all of them are leaves.

Few leaves come as a list (`LeafPicture`), many as the grid on which they lie (`VoxelPicture`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.space_picture import array_bytes

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step
    from nnscope.core.space_picture import Corner
    from nnscope.core.volume import Shape3

BRICK = 8  # cells a side


@dataclass(frozen=True, slots=True)
class CutFacts:
    """What an octree makes of a volume at its tolerances, whatever level is shown.

    Attributes
    ----------
    leaf_count : int
        Leaves, single voxels included.
    compression : float
        Bytes of the volume as float32 over bytes of the nodes (a child mask each, and a mean for each leaf).
    max_error : float
        Largest |x − mean of its leaf|, attained.
    """

    leaf_count: int
    compression: float
    max_error: float


@dataclass(frozen=True, slots=True, eq=False)
class VoxelPicture:
    """The leaves on a grid.

    Attributes
    ----------
    address, view, layout, version
        What is shown, and the content version of the tensor it was made from.
    shape : (int, int, int)
        Depth, rows and columns at level 0.
    level : int
        Of the grid's cells.
    values : ndarray of float32, shape [z, y, x] of the level
        What the node in which each cell lies shows; 0 where the state is not FINITE.
    states : ndarray of uint8, same shape, or None
        `State` of each cell; None when every one is a finite value.
    nodes : ndarray of uint8, same shape
        Level of the node in which each cell lies.
    peaks : ndarray of float32, shape (bricks along z, y, x)
        Largest magnitude in each brick of `BRICK` cells a side, or the largest float32 where a cell is no finite number
        and no padding; negative where there is nothing but padding.
    facts : CutFacts
    reduction : str
        ``"extremes"`` above level 0, which nodes that divide further show; ``""`` at level 0.
    recipe : tuple of Step
    sampled : float
    notes : tuple of str
    """

    address: str
    view: str
    layout: Layout
    version: int
    shape: Shape3
    level: int
    values: np.ndarray
    states: np.ndarray | None
    nodes: np.ndarray
    peaks: np.ndarray
    facts: CutFacts
    reduction: str
    recipe: tuple[Step, ...]
    sampled: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return array_bytes(self.values, self.states, self.nodes, self.peaks)

    @property
    def bounds(self) -> Shape3:
        """The box that it fills: depth, rows and columns."""
        return self.shape

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """The least and the greatest corner (x, y, z) of ``size`` voxels along each axis from (row, column, depth)."""
        return voxel_box(self.shape, place, size)


@dataclass(frozen=True, slots=True, eq=False)
class LeafPicture:
    """The leaves as a list, from the largest down, in Morton order within a level.

    Attributes
    ----------
    address, view, layout, version, shape, facts, reduction, recipe, sampled, notes
        As in `VoxelPicture`.
    level : int
        Of the smallest nodes there can be.
    origin : ndarray of int32, shape (n, 3)
        First voxel (z, y, x) of level 0 of each node.
    nodes : ndarray of uint8, shape (n,)
        Level of each.
    values : ndarray of float32, shape (n,)
        What it shows; 0 where the state is not FINITE.
    states : ndarray of uint8, shape (n,)
        `State` of each; there is no padding among them.
    """

    address: str
    view: str
    layout: Layout
    version: int
    shape: Shape3
    level: int
    origin: np.ndarray
    nodes: np.ndarray
    values: np.ndarray
    states: np.ndarray
    facts: CutFacts
    reduction: str
    recipe: tuple[Step, ...]
    sampled: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return array_bytes(self.origin, self.nodes, self.values, self.states)

    @property
    def bounds(self) -> Shape3:
        """The box that it fills: depth, rows and columns."""
        return self.shape

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """The least and the greatest corner (x, y, z) of ``size`` voxels along each axis from (row, column, depth)."""
        return voxel_box(self.shape, place, size)


def voxel_box(shape: Shape3, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
    """``size`` voxels a side from (row, column, depth), as far as they are in the volume: corners (x, y, z)."""
    row, col, depth = place
    end = (min(col + size, shape[2]), min(row + size, shape[1]), min(depth + size, shape[0]))
    return (col, row, depth), end
