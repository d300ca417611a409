"""The landscape: what a heat map lays out in two dimensions, lifted to a height field, in the heat map's colours.

Settings (all may be left out):

- ``height``: what lifts a cell, a name of `nnscope.core.landscape.HEIGHTS`;
- ``colour``: what its colour shows, ``"value"`` or ``"magnitude"``;
- ``span``: heights go over the whole ``"range"`` of what lifts cells, or over its ``"spread"``, and what lies beyond is
  cut off at the top and at the ground;
- ``relief``: height of the box over the side of a square of as many cells;
- ``reduction``: what a cell of a level above 0 has as height and as colour, as in the heat map.

Without shading, as in scientific mode, each cell is a column with a flat top at its exact height, in the plain colour
of its value. With shading the surface is bilinear between the middles of the cells, as are the colours, and it is lit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.ground import ground_level
from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.relief import Relief, Struck, ground_box, means, normalised, over_ground, peaks, struck
from nnscope.core.errors import NnscopeError
from nnscope.core.landscape import HEIGHTS, RELIEF, LandscapePicture, box_height, finest_level
from nnscope.core.layout import default_layout
from nnscope.core.picture import State, Step, level_count
from nnscope.core.request import Probe
from nnscope.core.space_picture import Drawing, Picked, finest_told
from nnscope.views.lifting import Lift, lifted_by
from nnscope.views.probing import probe_element
from nnscope.views.setting import Setting, chosen
from nnscope.views.tiling import block_under

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, ProbeSpace, Settings
    from nnscope.core.space import Camera3D, SpaceLook
    from nnscope.core.space_picture import Bounds
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

HEIGHT = Setting("height", "value", choices=tuple(HEIGHTS), title="Height")
COLOUR = Setting("colour", "value", choices=("value", "magnitude"), title="Colour")
SPAN = Setting("span", "range", choices=("range", "spread"), title="Span")
RELIEVED = Setting("relief", RELIEF, 0.001, 10.0, title="Relief")
_SLACK = 1e-6  # of half a range: rounding of heights at its ends
_SURFACE = "surface"  # the setting of requests that says how cells are joined


class Landscape:
    """See the module docstring. Faithful without shading; lit, and aesthetic, with it."""

    name = "landscape"
    title = "Landscape"
    aesthetic = ""
    coloured = False
    dimensions = 3
    deep = False
    looks = ("shading",)
    options = (HEIGHT, COLOUR, SPAN, RELIEVED)

    def refuses(self, info: TensorInfo) -> str:
        """Every tensor that has a heat map can be lifted."""
        return ""

    def layout(self, info: TensorInfo) -> Layout:
        """That of the heat map."""
        return default_layout(info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None: a cell is a value."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """A landscape has no tiles."""
        raise NnscopeError("A landscape has no tiles of two dimensions.", request.address)

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """As in the heat map."""
        first = request.layout.index_at(request.row << request.level, request.col << request.level)
        return _probe(context, request, first)

    def bounds(self, layout: Layout, settings: Settings) -> Bounds:
        """Rows, the height of the box, and columns, in cells."""
        rows, cols = layout.grid
        return float(rows), box_height(layout.grid, _relief(settings)), float(cols)

    def sides(self, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Rows, nothing, columns."""
        return layout.rows, (), layout.cols

    def level(self, layout: Layout, settings: Settings, camera: Camera3D, picture: Rect) -> int:
        """The finest level whose columns all cover the centre of a pixel, and which is not too large."""
        levels = range(finest_level(layout.grid), level_count(layout.grid))
        return ground_level(camera, self.bounds(layout, settings), picture, levels)

    def asked(self, settings: Settings, look: SpaceLook, level: int) -> Settings:
        """With the surface that the look calls for; level 0 is the same whatever the reduction."""
        wanted = {**dict(settings), _SURFACE: "smooth" if look.shading else "cells"}
        if not level:
            wanted.pop("reduction", None)
        return tuple(sorted(wanted.items()))

    def factor(self, layout: Layout, look: SpaceLook) -> float:
        """Colours are of values, or of magnitudes."""
        return 1.0

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """Whether it is lit."""
        if look.shading:
            step = Step("light", False, "bilinear between the middles of the cells, lit from the upper left")
            return Drawing(step, notes=("smooth surface, lit: exact at the middles of the cells",))
        return Drawing(Step("columns", True, "flat tops at the cells' exact heights, plain colours"))

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """The element of level 0 where a column is met, also where that stands for many."""
        space = pane.space
        assert space is not None
        picture = space.picture
        assert isinstance(picture, LandscapePicture)
        side = 2.0**picture.level
        rays = over_ground(pencil(space.camera, picture.bounds, pane.picture), picture.bounds, side)
        ray = rays.ray(x - pane.picture.x, y - pane.picture.y)
        met = struck(Relief(picture.heights, picture.smooth, picture.states), *ray, ground_box(picture.bounds, side))
        return None if met is None else Picked(_element(met, picture), picture.level)

    def build_space(self, context: BuildContext, request: BuildSpace) -> LandscapePicture:
        """The level asked for, kept while there is room for it."""
        reader = context.reader(request.address)
        key = ("landscape", request.address, reader.info.version, request.layout, request.settings, request.level)
        picture: LandscapePicture = context.memo(key, lambda: _build(context, reader, request), lambda p: p.nbytes)
        return picture

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """The element pointed at, exactly, and the statistics of all in its cell when zoomed out."""
        row, col = request.place[:2]
        cell = Probe(request.address, request.layout, row >> request.level, col >> request.level, request.level)
        return _probe(context, cell, request.layout.index_at(row, col))


def _probe(context: BuildContext, request: Probe, index: tuple[int, ...] | None) -> ProbeAnswer:
    reader = context.reader(request.address)
    block = block_under(context, reader, request) if request.level and index is not None else None
    return probe_element(context, reader, index, block)


def _element(met: Struck, picture: LandscapePicture) -> tuple[int, int]:
    """Row and column at level 0 of the place where a column is met; on its wall, of what is nearest to it."""
    side, (rows, cols) = 2**picture.level, picture.layout.grid
    across, _, down = (met.position * side).tolist()
    row = min(max(int(down), met.row * side), (met.row + 1) * side - 1, rows - 1)
    return row, min(max(int(across), met.col * side), (met.col + 1) * side - 1, cols - 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The cells of a level: heights from 0 to 1, what becomes colours, states; and what heights mean.

    ``cut`` is the share of the cells whose heights lie beyond the domain.
    """

    heights: np.ndarray
    values: np.ndarray
    states: np.ndarray
    domain: tuple[float, float]
    lift: Lift
    colour: Lift
    cut: float

    @property
    def words(self) -> str:
        """What lifts the cells."""
        return lifted_by(self.lift.layout, self.lift.reader.info.axes, self.lift.by)


def _build(context: BuildContext, reader: TensorReader, request: BuildSpace) -> LandscapePicture:
    layout, level, settings = request.layout, request.level, request.settings
    if not finest_level(layout.grid) <= level < level_count(layout.grid):
        raise NnscopeError(f"Level {level} of this landscape can't be shown.", request.address, "Choose another one.")
    reduction = str(dict(settings).get("reduction", "mean")) if level else ""
    cells = _cells(context, reader, request, reduction)
    smooth = dict(settings).get(_SURFACE) == "smooth"
    height = box_height(layout.grid, _relief(settings))
    return LandscapePicture(
        request.address,
        request.view,
        layout,
        reader.info.version,
        level,
        cells.heights,
        cells.values,
        None if (cells.states == State.FINITE).all() else cells.states,
        peaks(cells.heights, smooth),
        means(cells.heights) if smooth else None,
        cells.domain,
        height,
        cells.lift.by,
        reduction,
        _recipe(reader.info, level, reduction, cells),
        notes=(*_notes(cells, height), *(finest_told(level) if level == finest_level(layout.grid) else ())),
    )


def _cells(context: BuildContext, reader: TensorReader, request: BuildSpace, reduction: str) -> _Cells:
    settings, layout = request.settings, request.layout
    lift, colour = (Lift(reader, layout, _chosen(settings, option)) for option in (HEIGHT, COLOUR))
    values, states = colour.level(context, request.level, reduction or "mean")
    lifted = values if colour.by == lift.by else lift.level(context, request.level, reduction or "mean")[0]
    if reduction == "variance":
        domain = 0.0, float(lifted.max(initial=0.0)) or 1.0
    else:
        domain = lift.domain(context, spread=_chosen(settings, SPAN) == "spread")
    finite = states == State.FINITE
    heights = np.where(finite, normalised(lifted, domain), np.float32(0))
    slack = _SLACK * (domain[1] / 2 - domain[0] / 2)
    low, high = np.float64(domain[0] - slack), np.float64(domain[1] + slack)  # they may be beyond float32's range
    cut = finite & ((lifted < low) | (lifted > high))
    return _Cells(heights, values, states, domain, lift, colour, float(cut.mean()))


def _recipe(info: TensorInfo, level: int, reduction: str, cells: _Cells) -> tuple[Step, ...]:
    steps = [Step("read", True, f"{info.dtype} as stored")]
    if info.dtype.startswith("complex"):
        steps.append(Step("magnitude", True, "|z| of complex values"))
    if level:
        side = 2**level
        steps.append(Step(reduction, True, f"of {side}×{side} values each, finite ones only"))
    low, high = cells.domain
    steps.append(Step("height", True, f"{cells.words}, linear from {low:.6g} to {high:.6g}"))
    return tuple(steps)


def _notes(cells: _Cells, height: float) -> tuple[str, ...]:
    span = cells.domain[1] / height - cells.domain[0] / height
    notes = [f"height: {cells.words}; one cell's side stands for {span:.4g}"]
    if cells.cut:
        notes.append(f"heights of {cells.cut:.2%} of the cells are cut off")
    if cells.colour.by != "value":
        notes.append(f"colour: {HEIGHTS[cells.colour.by]}")
    return tuple(notes)


def _chosen(settings: Settings, option: Setting) -> str:
    return str(chosen((option,), settings)[option.name])


def _relief(settings: Settings) -> float:
    relief = chosen((RELIEVED,), settings)[RELIEVED.name]
    assert isinstance(relief, float)
    return relief
