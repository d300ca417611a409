"""What a canvas draws, as data: the contract between the scene and every renderer.

The scene composes a `Frame` from what the user wants and what has arrived; a renderer draws it and knows
nothing else. The window, an offscreen picture and an animation draw the same Frame, so their pixels agree.

All positions are in device pixels, origin at the top left, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np

    from nnscope.core.cut import Box, CutPlane
    from nnscope.core.legend import Legend, Normalisation
    from nnscope.core.picture import Tile
    from nnscope.core.space import Camera3D, Opacity
    from nnscope.core.space_picture import SpacePicture

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in device pixels."""

    x: int
    y: int
    w: int
    h: int

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies inside."""
        return self.x <= x < self.x + self.w and self.y <= y < self.y + self.h

    def intersection(self, other: Rect) -> Rect:
        """The pixels that lie in both; a rectangle of zeros where there are none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.x + self.w, other.x + other.w), min(self.y + self.h, other.y + other.h)
        return Rect(x, y, right - x, bottom - y) if right > x and bottom > y else Rect(0, 0, 0, 0)

    def union(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both; one of no pixels adds nothing."""
        if not (self.w and self.h):
            return other
        if not (other.w and other.h):
            return self
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.x + self.w, other.x + other.w) - x, max(self.y + self.h, other.y + other.h) - y)


# Space around a picture for its title, axes and legend, in logical pixels: left, top, right, bottom. A small pane has
# its legend below the picture instead of on the right, and no names along its axes.
MARGINS = (68, 56, 172, 44)
SMALL_MARGINS = (44, 28, 12, 60)
SMALL_PANE = (480, 320)  # a pane narrower or lower than this is small
BESIDE_NAMES = 16  # logical pixels: a tick between names of rows and the picture, and room before them
TURNED = 18  # logical pixels: the axis' own name, turned, beside them
MOST_NAMED = 1 / 3  # of a pane's width that names of rows take with all that


def margins(pane: Rect, scale: float = 1.0, names: float = 0.0) -> tuple[int, int, int, int]:
    """Left, top, right and bottom margin of a pane in device pixels: what lies inside is its picture.

    Parameters
    ----------
    pane : Rect
    scale : float
        Device pixels per logical pixel.
    names : float
        Device pixels that the longest name of a row takes: the left margin has room for it, up to `MOST_NAMED`.
    """
    small = pane.w < SMALL_PANE[0] * scale or pane.h < SMALL_PANE[1] * scale
    left, top, right, bottom = (round(side * scale) for side in (SMALL_MARGINS if small else MARGINS))
    beside = BESIDE_NAMES if small else BESIDE_NAMES + TURNED
    named = min(round(pane.w * MOST_NAMED), math.ceil(names) + round(beside * scale))
    return max(left, named), top, right, bottom


@dataclass(frozen=True, slots=True)
class Camera2D:
    """Pan and zoom: the level-0 cell coordinate at the centre of the pane's picture, and device pixels per cell.

    The cell under a pixel is the one under its centre: column floor(x + (px + ½ − (picture.x + picture.w / 2)) / zoom)
    for pixel column px, likewise for rows. Drawing and hover use this very formula in float64, so they never disagree.
    """

    x: float
    y: float
    zoom: float


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTile:
    """A tile to draw, with the key under which its texture is kept between frames.

    Tiles are drawn in order: coarser stand-ins first, then finer ones over them. A cell of the tile covers
    2**level cells of level 0 on each side; cells beyond the grid's edge are cut off by the renderer.
    """

    key: Hashable
    level: int
    tile: Tile


@dataclass(frozen=True, slots=True, eq=False)
class ColourStyle:
    """How values become colours, in the shader.

    Attributes
    ----------
    lut : ndarray of uint8, shape (256, 4)
        Colour map over u in [0, 1], sRGB.
    under, over, nan, posinf, neginf, padding : Colour
        Colours of what is outside or is no number.
    """

    name: str
    lut: np.ndarray
    under: Colour
    over: Colour
    nan: Colour
    posinf: Colour
    neginf: Colour
    padding: Colour


@dataclass(frozen=True, slots=True, eq=False)
class CellNumbers:
    """The numbers written into the cells at high zoom: level-0 values of a window of the grid.

    Attributes
    ----------
    row, col : int
        Grid position of ``text[0][0]``.
    text : tuple of tuples of str
        What to write in each cell; empty for none.
    """

    row: int
    col: int
    text: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class AxisTicks:
    """Ticks along one side of a pane: (position in cells of level 0, label) pairs, and the axis' name.

    Positions are continuous like the camera's: the middle of cell 5 is 5.5. Labels below a picture stand in turn on so
    many ``lines``, 1 or 2, where they are too wide for one. Names take so many device pixels of ``room`` and are
    shortened beyond; 0 for any.
    """

    name: str
    ticks: tuple[tuple[float, str], ...] = ()
    lines: int = 1
    room: float = 0.0


@dataclass(frozen=True, slots=True)
class Marker:
    """A cell or voxel outlined in the pane: the linked cursor or a pin."""

    row: int
    col: int
    size: int = 1
    kind: str = "cursor"  # or "pin"
    depth: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class SpaceFrame:
    """The picture of a pane in three dimensions, and how it is looked at. Its values become colours as tiles' do.

    Attributes
    ----------
    key : Hashable
        Under which the picture's textures are kept between frames.
    picture : SpacePicture
        Its type says which visual draws it.
    camera : Camera3D
    mode : str
        What a ray finds in a volume: a name of `nnscope.core.space.MODES`.
    interpolation : {"nearest", "linear"}
        Every voxel that a ray crosses, or samples between the voxels' centres.
    step : float
        Voxels between samples, at most; has no meaning for every voxel.
    quality : int
        Device pixels a side for which one ray is sent; 1 is the exact picture.
    threshold, gain, opacity
        See `SpaceLook`.
    shaded : bool
        Whether surfaces are lit, which darkens colours by the way they face.
    plane : CutPlane or None
        Values on it are shown as they are, and what is before it is left out.
    clip : Box or None
        The part of the volume that is shown.
    axes : (AxisTicks, AxisTicks, AxisTicks)
        Along depth, rows and columns; positions in voxels of level 0.
    """

    key: Hashable
    picture: SpacePicture
    camera: Camera3D
    mode: str = "mip"
    interpolation: str = "nearest"
    step: float = 0.5
    quality: int = 1
    threshold: float = 0.0
    gain: float = 6.0
    opacity: Opacity = ()
    shaded: bool = False
    plane: CutPlane | None = None
    clip: Box | None = None
    axes: tuple[AxisTicks, AxisTicks, AxisTicks] = (AxisTicks(""), AxisTicks(""), AxisTicks(""))


@dataclass(frozen=True, slots=True, eq=False)
class PaneFrame:
    """One pane of the canvas.

    Attributes
    ----------
    rect : Rect
        The whole pane: axes, title and legend lie between it and the picture.
    picture : Rect
        Where the grid may appear, and nowhere else: the pane less its `margins`.
    blocks : (int, int)
        Rows and columns of cells in each part of a mosaic (a kernel, a channel): lines are drawn between parts. 0 for
        none.
    title, subtitle : str
        Address, and shape · dtype · layout in words.
    message : str
        Shown in the middle when there is nothing to draw yet, or why.
    space : SpaceFrame or None
        A picture of three dimensions, which has neither grid nor tiles.
    """

    rect: Rect
    picture: Rect
    grid: tuple[int, int] = (0, 0)
    camera: Camera2D = Camera2D(0.0, 0.0, 1.0)
    tiles: tuple[PlacedTile, ...] = ()
    normalisation: Normalisation | None = None
    style: ColourStyle | None = None
    legend: Legend | None = None
    row_axis: AxisTicks = AxisTicks("")
    col_axis: AxisTicks = AxisTicks("")
    numbers: CellNumbers | None = None
    markers: tuple[Marker, ...] = ()
    blocks: tuple[int, int] = (0, 0)
    title: str = ""
    subtitle: str = ""
    message: str = ""
    active: bool = False
    space: SpaceFrame | None = None

    @property
    def pictured(self) -> bool:
        """Whether there is a picture, of two or three dimensions."""
        return bool(self.tiles) or self.space is not None


@dataclass(frozen=True, slots=True)
class Theme:
    """The neutral colours of canvas furniture (interface.md, The look)."""

    name: str
    ground: Colour
    panel: Colour
    line: Colour
    text: Colour
    secondary: Colour
    accent: Colour
    scientific: Colour = (43, 179, 163)
    aesthetic: Colour = (224, 162, 59)


DARK = Theme("dark", (21, 23, 28), (28, 31, 38), (43, 47, 56), (231, 233, 236), (154, 163, 173), (78, 161, 255))
LIGHT = Theme(
    "light",
    (246, 247, 249),
    (255, 255, 255),
    (223, 227, 232),
    (29, 33, 39),
    (91, 101, 112),
    (11, 102, 196),
    scientific=(12, 115, 104),
    aesthetic=(143, 92, 8),
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Everything on the canvas. ``scale`` is device pixels per logical pixel: text and lines grow with it."""

    width: int
    height: int
    panes: tuple[PaneFrame, ...] = ()
    theme: Theme = DARK
    scale: float = 1.0
