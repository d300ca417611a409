"""The free plane: what a plane in any direction cuts out of a volume, as a heat map of its cells.

A cell shows the voxel in which its centre lies, as it is; of a slab, the values at steps of one voxel through it. What
lies outside the volume is padding. The settings are those of `nnscope.core.cut.Cut`: ``azimuth``, ``elevation``,
``at``, ``thickness`` and ``through``. What is shown of many cells when zoomed out is the setting ``reduction``, as in
the heat map. The layout has a depth; the cells are on `nnscope.compute.space.sheet`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.pyramid.levels import reduce_times, tile_values
from nnscope.compute.space.cutting import placed, told
from nnscope.compute.space.sheet import along, sheet
from nnscope.compute.statistics.block import block_stats
from nnscope.core.cut import REDUCTIONS, Cut
from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import TILE, Step, Tile, TilePicture, level_count
from nnscope.views.cells import read_voxels
from nnscope.views.probing import probe_element
from nnscope.views.section import through_slab
from nnscope.views.setting import Setting, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.compute.space.sheet import Sheet
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.layout import Layout
    from nnscope.core.request import BuildPicture, Probe, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.core.volume import Shape3
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

    Values = tuple[np.ndarray, np.ndarray]  # and which are padding

PATCH = 32  # cells a side that are read at once: the box around them is small, however the plane lies
POINTS = 1 << 19  # values through a slab that are held at once, about
CELLS = 1 << 24  # of a plane, at most
FAR = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """What is cut, and where."""

    reader: TensorReader
    layout: Layout
    sheet: Sheet


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Some cells from (row, col) on: their voxels, values and padding, as `Sheet.voxels` gives them."""

    row: int
    col: int
    places: np.ndarray
    values: np.ndarray
    padding: np.ndarray


class Plane:
    """Planes in any direction as heat maps, coloured in the shader. Faithful: nearest values."""

    name = "plane"
    title = "Free plane"
    aesthetic = ""
    coloured = False
    deep = True
    options = (
        Setting("azimuth", 30.0, -FAR, FAR, title="Azimuth"),
        Setting("elevation", 20.0, -90.0, 90.0, title="Elevation"),
        Setting("at", 0.0, -FAR, FAR, title="From the middle"),
        Setting("thickness", 1, 1, title="Thickness"),
        Setting("through", "mean", choices=REDUCTIONS, title="Through it"),
    )

    def refuses(self, info: TensorInfo) -> str:
        """Only what has fewer than three axes."""
        return "" if info.ndim >= 3 else "A free plane needs a tensor of three axes or more."

    def layout(self, info: TensorInfo) -> Layout:
        """As a volume."""
        return volume_layout(info.shape) if info.ndim >= 3 else planes((1,) * (2 - info.ndim) + info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None."""
        return ()

    def sheet(self, layout: Layout, settings: Settings) -> tuple[int, int]:
        """As large as the volume seen along the normal."""
        return _sheet(layout, settings).grid

    def directions(self, layout: Layout, settings: Settings) -> tuple[str, str]:
        """Along rows and columns, in voxels: ``("y", "0.87 x − 0.5 z")``."""
        found = _sheet(layout, settings)
        return along(found.down), along(found.right)

    def cell_of(self, layout: Layout, settings: Settings, voxel: Shape3) -> tuple[int, int] | None:
        """The cell that shows a voxel [z, y, x]."""
        return _sheet(layout, settings).cell_of(voxel)

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for."""
        reader, layout = context.reader(request.address), request.layout
        cut, found = cut_of(layout, request.settings), _sheet(layout, request.settings)
        if found.grid[0] * found.grid[1] > CELLS:
            size = f"{found.grid[0]} × {found.grid[1]}"
            raise NnscopeError(f"A plane of {size} cells is too large.", request.address, "Cut across an axis instead.")
        reduction = str(dict(request.settings).get("reduction", "mean"))
        volume = Volume(reader, layout, found)
        return TilePicture(
            request.address,
            self.name,
            layout,
            reader.info.version,
            found.grid,
            level_count(found.grid),
            request.level,
            tuple(_tile(context, volume, request, cut.reduction, at) for at in request.tiles),
            reduction if request.level else "",
            _recipe(reader.info, cut, request.level, reduction),
            notes=(_where(cut),),
        )

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The element that the cell shows, exactly; the first one of a mean, and of what is seen of many cells.

        With the statistics of all values through the slab, or under the cell when zoomed out.
        """
        reader, layout, side = context.reader(request.address), request.layout, 2**request.level
        cut, found = cut_of(layout, request.settings), _sheet(layout, request.settings)
        rows, cols = (
            (i * side, min((i + 1) * side, end)) for i, end in zip((request.row, request.col), found.grid, strict=True)
        )
        shown, held = None, []
        for patch in _patches(context, Volume(reader, layout, found), rows, cols):
            held.append(patch.values[~patch.padding])
            if shown is None and not patch.padding.all():
                shown = patch.places[_shown(patch, cut.reduction if side == 1 else "mean")].tolist()
        if shown is None:
            return probe_element(context, reader, None)
        depth, at_row, at_col = shown
        index = layout.index_at(at_row, at_col, depth)
        block = block_stats(np.concatenate(held)) if side > 1 or cut.thickness > 1 else None
        return probe_element(context, reader, index, block)


def cut_of(layout: Layout, settings: Settings) -> Cut:
    """The plane that the settings mean, within the volume."""
    v = chosen(Plane.options, settings)
    at, azimuth, elevation = (float(v[name] or 0.0) for name in ("at", "azimuth", "elevation"))
    free = Cut("", at, int(v["thickness"] or 1), str(v["through"]), azimuth, elevation)
    return placed(free, layout.volume_shape)


@lru_cache(64)  # asked for many times in each frame
def _sheet(layout: Layout, settings: Settings) -> Sheet:
    return sheet(cut_of(layout, settings), layout.volume_shape)


def _where(cut: Cut) -> str:
    return f"{told(cut)}, facing {cut.azimuth:.4g}°, {cut.elevation:.4g}°, {cut.at:.4g} voxels from the middle"


def _recipe(info: TensorInfo, cut: Cut, level: int, reduction: str) -> tuple[Step, ...]:
    steps = [Step("read", True, info.provenance)]
    if info.dtype.startswith("complex"):
        steps.append(Step("magnitude", True, "|z| of complex values"))
    steps.append(Step("plane", True, _where(cut)))
    if level:
        steps.append(Step(reduction, True, f"of {2**level}×{2**level} cells each"))
    return tuple(steps)


def _tile(context: BuildContext, volume: Volume, request: BuildPicture, through: str, at: tuple[int, int]) -> Tile:
    side = TILE << request.level
    rows, cols = ((i * side, min((i + 1) * side, end)) for i, end in zip(at, volume.sheet.grid, strict=True))
    cells, padding = _cells(context, volume, through, rows, cols)
    level = reduce_times(cells, request.level, padding if padding.any() else None)
    reduction = str(dict(request.settings).get("reduction", "mean"))
    values, states = tile_values(level, reduction, (slice(None), slice(None)))
    return Tile(*at, np.ascontiguousarray(values), np.ascontiguousarray(states))


def _cells(context: BuildContext, volume: Volume, through: str, rows: Span, cols: Span) -> Values:
    """Cells as float64, NaN where nothing is finite; and which are padding."""
    cells = np.zeros((rows[1] - rows[0], cols[1] - cols[0]))
    padding = np.ones(cells.shape, bool)
    for patch in _patches(context, volume, rows, cols):
        shown, marks = through_slab(patch.values, patch.padding, through)
        at = (
            slice(patch.row - rows[0], patch.row - rows[0] + shown.shape[0]),
            slice(patch.col - cols[0], patch.col - cols[0] + shown.shape[1]),
        )
        padding[at] = marks
        cells[at] = np.where(padding[at], 0, shown)
    return cells, padding


def _patches(context: BuildContext, volume: Volume, rows: Span, cols: Span) -> Iterator[Patch]:
    """What the cells [rows) × [cols) show, in small squares; those outside the volume are left out."""
    side = PATCH
    while side > 1 and side * side * len(volume.sheet.offsets) > POINTS:
        side //= 2
    for row in range(*rows, side):
        context.check()
        for col in range(*cols, side):
            span = (row, min(row + side, rows[1])), (col, min(col + side, cols[1]))
            places, outside = volume.sheet.voxels(*span)
            if not outside.all():
                yield Patch(row, col, places, *_taken(volume, places, outside))


def _taken(volume: Volume, places: np.ndarray, outside: np.ndarray) -> Values:
    """The values at voxels, 0 where there is no element, and where that is."""
    kept = places[~outside]
    first, last = kept.min(0), kept.max(0)
    depths, rows, cols = ((int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    block, empty = read_voxels(volume.reader, volume.layout, (depths, rows, cols))
    at = tuple(np.moveaxis(np.clip(places - first, 0, last - first), -1, 0))
    padding = outside if empty is None else outside | empty[at]
    return np.where(padding, 0, to_float(block[at])), padding


def _shown(patch: Patch, through: str) -> tuple[int, ...]:
    """Which of the values is the one that a cell shows; of a mean the first."""
    held = ~patch.padding
    finite = held & np.isfinite(patch.values)
    scores = {"max": patch.values, "extremes": np.abs(patch.values)}.get(through, np.zeros(held.shape))
    best = np.argmax(np.where(finite, scores, -np.inf)) if finite.any() and through != "mean" else np.argmax(held)
    return tuple(int(i) for i in np.unravel_index(int(best), held.shape))
