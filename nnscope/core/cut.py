"""A cut through a volume: a plane, or a slab, on which values are shown as they are; what is before it is left out.

Positions are in voxels of level 0, (x, y, z), as in `nnscope.core.space`.
"""

from __future__ import annotations

from dataclasses import dataclass

AXES = "xyz"
REDUCTIONS = ("mean", "max", "extremes")  # what a slab shows of the values across it
Box = tuple[tuple[float, float, float], tuple[float, float, float]]  # least and greatest corner


@dataclass(frozen=True, slots=True)
class Cut:
    """A plane as the user puts it.

    Attributes
    ----------
    axis : {"x", "y", "z", ""}
        Across which axis it lies; empty for a plane in any direction.
    at : float
        Across an axis the index of the first voxel of the slab; else the way of the slab's middle from the centre of
        the volume, against the direction that it faces.
    thickness : int
        Voxels through the slab, ≥ 1.
    reduction : str
        One of `REDUCTIONS`.
    azimuth, elevation : float
        Degrees. A plane in any direction faces a camera there.
    """

    axis: str = "z"
    at: float = 0.0
    thickness: int = 1
    reduction: str = "mean"
    azimuth: float = 30.0
    elevation: float = 20.0


@dataclass(frozen=True, slots=True)
class CutPlane:
    """A cut as it is seen: the side that is turned to the eye.

    Attributes
    ----------
    normal : (float, float, float)
        Unit vector away from the eye. Points p with normal · p < ``first`` are left out.
    first : float
        Where the slab begins along it.
    thickness : int
        Voxels through the slab; values are taken in the middle of each, half a voxel behind ``first`` and so on.
    reduction : str
    factor : float
        By which values are multiplied, where the colours are those of sums along rays.
    """

    normal: tuple[float, float, float]
    first: float
    thickness: int = 1
    reduction: str = "mean"
    factor: float = 1.0
