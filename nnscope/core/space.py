"""Looking at a volume: the camera, and what is made of the values along a ray.

Positions are in voxels of level 0, (x, y, z) over columns, rows and depth: voxel [z, y, x] is the unit cube from
(x, y, z). A picture seen from the front looks like a heat map: columns to the right, rows downwards, depth away from
the eye. Which ray belongs to a pixel is said by `nnscope.compute.space.perspective`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.core.cut import Box, Cut

# What a ray finds, and how voxels of coarser levels are reduced for it.
MODES = {
    "mip": "max",
    "minip": "min",
    "signed": "extremes",
    "average": "mean",
    "additive": "mean",
    "surface": "extremes",
    "translucent": "mean",
}
RAYS = {
    "mip": "greatest value along each ray",
    "minip": "least value along each ray",
    "signed": "largest magnitude along each ray, with its sign",
    "average": "mean along each ray",
    "additive": "sum along each ray, in voxels",
    "surface": "first magnitude along each ray that reaches the threshold",
    "translucent": "colours along each ray, absorbed by what is in front",
}
AESTHETIC = ("surface", "translucent")  # modes whose colours are lit or mixed, and not those of the scale
INTERPOLATIONS = ("nearest", "linear")
Opacity = tuple[tuple[float, float], ...]  # (place on the colour scale, share of the gain), both in [0, 1], in order
FOV = 30.0  # degrees: what a camera has at first, and the framing of a parallel projection


@dataclass(frozen=True, slots=True)
class SpaceLook:
    """What is made of the values along a ray.

    Attributes
    ----------
    mode : str
        A name of `MODES`; empty for the default of the data.
    interpolation : {"nearest", "linear"}
        Every voxel that a ray crosses, or samples between the voxels' centres.
    threshold : float or None
        Magnitude at which the surface lies; None for one that stands out from the data.
    gain : float
        Of translucent pictures: how often the strongest colour would be absorbed over a mean side of the volume.
    opacity : Opacity
        Of translucent pictures: points of the curve of opacity over the colour scale; none for the square of the
        distance from where it is clear.
    shading : bool
        Light on surfaces of cubes and landscapes; never in scientific mode.
    cut : Cut or None
        A plane with what is before it left out.
    clip : Box or None
        The part of the volume that is shown, in voxels; None for all of it.
    """

    mode: str = ""
    interpolation: str = "nearest"
    threshold: float | None = None
    gain: float = 6.0
    opacity: Opacity = ()
    shading: bool = True
    cut: Cut | None = None
    clip: Box | None = None


@dataclass(frozen=True, slots=True)
class Camera3D:
    """Where the eye is and what it looks at.

    Attributes
    ----------
    azimuth, elevation : float
        Degrees. From the front at (0, 0); a greater azimuth moves the eye to the right around the volume, a greater
        elevation (−90 … 90) moves it up.
    distance : float
        From the eye to the centre, in diagonals of the volume; > 0.
    centre : (float, float, float) or None
        Point (x, y, z) in voxels that is shown in the middle of the picture; None for the volume's own centre.
    fov : float
        Angle of the smaller side of the picture in degrees, in [0, 120]. 0 is a parallel projection in which the centre
        is as large as `FOV` would show it at this distance.
    """

    azimuth: float = 30.0
    elevation: float = 20.0
    distance: float = 2.0
    centre: tuple[float, float, float] | None = None
    fov: float = FOV
