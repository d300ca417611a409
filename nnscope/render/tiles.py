"""The pictures of a frame: each pane's tiles from the atlas, one draw call per pane.

Sampling is nearest, and which pixel shows which cell is decided by `placement`. The colours come from the shader, so
new limits are new uniforms and a new colour map is one row of 2 KiB: neither uploads a tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.core.frame import ColourStyle, Rect
from nnscope.render.atlas import COLOURS, VALUES, TexelFormat, TileAtlas
from nnscope.render.colour import mapping
from nnscope.render.palettes import Palettes
from nnscope.render.placement import axes, axis_spans, grid_rect
from nnscope.render.quads import QuadBuffer
from nnscope.shaders import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.frame import Frame, PaneFrame, PlacedTile, Theme
    from nnscope.render.pixels import Surface
    from nnscope.render.placement import Axis, Span

VERTEX = np.dtype([("a_corner", np.float32, 2), ("a_start", np.float32, 4), ("a_place", np.float32, 4)])


class TileLayer:
    """Draws what lies inside the pictures of all panes.

    Parameters
    ----------
    limit : int
        The driver's largest texture side.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._atlases: dict[TexelFormat, TileAtlas] = {}
        self._programs: dict[tuple[object, ...], Any] = {}
        self._palettes = Palettes()
        self._quads = QuadBuffer()

    @property
    def uploads(self) -> int:
        """Tiles uploaded so far."""
        return sum(atlas.uploads for atlas in self._atlases.values())

    @property
    def palette_uploads(self) -> int:
        """Palettes uploaded so far."""
        return self._palettes.uploads

    def draw(self, frame: Frame, surface: Surface) -> None:
        """Draw the tiles of every pane that lie in the damaged part of the surface."""
        self._reserve(frame)
        for pane in frame.panes:
            tiles = drawable(pane)
            horizontal, vertical = axes(pane)
            placing = Placing(horizontal, vertical)
            if tiles and not placing.covers(tiles):
                surface.fill(grid_rect(horizontal, vertical), frame.theme.panel)
            tiles = [tile for tile in tiles if surface.damaged(placing.place(tile))]
            part = _Part(replace(pane, style=pane.style or _plain_style(frame.theme)), placing, surface)
            for kind, alike in groupby(tiles, key=_format):
                self._draw_tiles(part, kind, list(alike))

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for thing in (*self._atlases.values(), *self._programs.values(), self._palettes, self._quads):
            thing.delete()

    def _reserve(self, frame: Frame) -> None:
        """Room for the tiles of all panes, so that one doesn't push out another's in every frame."""
        for kind in (VALUES, COLOURS):
            keys = {tile.key for pane in frame.panes for tile in drawable(pane) if _format(tile) is kind}
            if keys:
                self._atlas(kind).reserve(len(keys))

    def _draw_tiles(self, part: _Part, kind: TexelFormat, tiles: list[PlacedTile]) -> None:
        pane, placing, surface = part.pane, part.placing, part.surface
        atlas = self._atlas(kind)
        for start in range(0, len(tiles), atlas.capacity):
            batch = tiles[start : start + atlas.capacity]
            slots = atlas.place(batch)
            for special, alike in groupby(batch, key=lambda placed: atlas.has_states(placed.key)):
                program = self._values_program(pane, special) if kind is VALUES else self._program("rgba.frag")
                surface.apply(program)
                assert pane.style is not None
                program["u_row"] = self._palettes.row(pane.style)
                program["u_palettes"] = self._palettes.texture
                program["u_cells"] = atlas.texture
                program["u_texel"] = 1.0 / atlas.side
                drawn = list(alike)
                quads = placing.quads(drawn, [slots[placed.key] for placed in drawn], atlas.side)
                self._quads.fill(_vertices(quads, surface))
                self._quads.draw(program)

    def _values_program(self, pane: PaneFrame, states: bool) -> Any:
        """The program for tiles with values, with the limits of a pane; looking at states takes time of its own."""
        assert pane.normalisation is not None
        to = mapping(pane.normalisation)
        program = self._program("heatmap.frag", CURVE=to.curve, STATES=int(states))
        program["u_scale"] = to.scale
        program["u_limits"] = to.limits
        if to.curve:
            program["u_range"] = to.range
        return program

    def _program(self, fragment: str, **constants: int) -> Any:
        key = (fragment, *constants.items())
        if key not in self._programs:
            self._programs[key] = gloo.Program(load("tiles.vert"), load(fragment, **constants))
        return self._programs[key]

    def _atlas(self, kind: TexelFormat) -> TileAtlas:
        if kind not in self._atlases:
            self._atlases[kind] = TileAtlas(kind, self._limit)
        return self._atlases[kind]


class Placing:
    """Where the tiles of one pane lie, in pixels; what is the same for tiles in one row or column is worked out once.

    Parameters
    ----------
    horizontal, vertical : Axis
    """

    def __init__(self, horizontal: Axis, vertical: Axis) -> None:
        self._axes = horizontal, vertical
        self._known: dict[tuple[int, int, int, int], list[Span]] = {}

    def spans(self, placed: PlacedTile) -> tuple[list[Span], list[Span]]:
        """The horizontal and the vertical spans of a tile: each pair is a rectangle of pixels that shows it."""
        height, width = placed.tile.states.shape[:2]
        return self._along(0, placed.level, placed.tile.col, width), self._along(
            1, placed.level, placed.tile.row, height
        )

    def covers(self, tiles: Sequence[PlacedTile]) -> bool:
        """Whether the tiles of the finest level leave nothing of the grid uncovered."""
        finest = min(placed.level for placed in tiles)
        places = {(placed.tile.row, placed.tile.col): placed for placed in tiles if placed.level == finest}
        area = sum(math.prod(sum(s.stop - s.start for s in along) for along in self.spans(p)) for p in places.values())
        grid = grid_rect(*self._axes)
        return area == grid.w * grid.h

    def place(self, placed: PlacedTile) -> Rect:
        """The pixels that show a tile; of no width or height when none does."""
        across, down = self.spans(placed)
        if not (across and down):
            return Rect(0, 0, 0, 0)
        x, y = across[0].start, down[0].start
        return Rect(x, y, across[-1].stop - x, down[-1].stop - y)

    def quads(self, tiles: Sequence[PlacedTile], slots: Sequence[tuple[int, int]], side: int) -> np.ndarray:
        """Rectangles of pixels that show tiles whose first texels are ``slots`` of an atlas; none for a tile unseen.

        Returns
        -------
        ndarray of float64, shape (quads, 9)
            First and last pixel (x, y, x, y), cells per pixel, offset in the tile (x, y), place in the atlas (x, y).
        """
        rows = [
            (x.start, y.start, x.stop, y.stop, x.step, x.offset, y.offset, *slot)
            for placed, slot in zip(tiles, slots, strict=True)
            for across, down in (self.spans(placed),)
            for y in down
            for x in across
        ]
        quads = np.array(rows, np.float64).reshape(-1, 9)
        quads[:, 7:] = (quads[:, 7:] + 0.5) / side  # exact: the side is a power of two
        return quads

    def _along(self, axis: int, level: int, index: int, size: int) -> list[Span]:
        key = (axis, level, index, size)
        if key not in self._known:
            self._known[key] = axis_spans(self._axes[axis], level, index, size)
        return self._known[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A pane on a surface."""

    pane: PaneFrame
    placing: Placing
    surface: Surface


def _vertices(quads: np.ndarray, surface: Surface) -> np.ndarray:
    """The corners of `Placing.quads`: `VERTEX`, 4 a quad."""
    vertices = np.empty((len(quads), 4), VERTEX)
    vertices["a_corner"] = quads[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]
    start = quads[:, [0, 1, 4, 4]] + (0.5, 0.5, 0.0, 0.0)
    if not surface.top_first:
        start[:, 1] = surface.height - start[:, 1]
        start[:, 3] *= -1
    vertices["a_start"] = start[:, None]
    vertices["a_place"] = quads[:, None, 5:9]
    return vertices.ravel()


def drawable(pane: PaneFrame) -> list[PlacedTile]:
    """Its tiles; those with values only when it is said how they become colours."""
    if pane.normalisation is not None and pane.style is not None:
        return list(pane.tiles)
    return [tile for tile in pane.tiles if tile.tile.rgba is not None]


def _format(placed: PlacedTile) -> TexelFormat:
    return VALUES if placed.tile.rgba is None else COLOURS


def _plain_style(theme: Theme) -> ColourStyle:
    """For colour tiles without a style of their own: padding is the ground, cells without a colour stand out."""
    blank = np.zeros((256, 4), np.uint8)
    odd = theme.secondary
    return ColourStyle("", blank, odd, odd, odd, odd, odd, theme.ground)
