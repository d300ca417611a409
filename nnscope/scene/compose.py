"""From what a pane must show to the `PaneFrame` a renderer draws, and the tiles that are missing for it. Pure.

Missing tiles never leave a hole when something coarser, older or sampled is at hand: stand-ins are drawn first, coarse
to fine, and what has arrived goes over them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.frame import (
    BESIDE_NAMES,
    AxisTicks,
    Camera2D,
    CellNumbers,
    Marker,
    PaneFrame,
    PlacedTile,
    Rect,
    margins,
)
from nnscope.core.picture import TILE, TilePicture
from nnscope.core.text import plain
from nnscope.scene import numbers
from nnscope.scene.camera import fit, level_for, snapped, visible_cells
from nnscope.scene.ticks import axis_ticks, middle_ticks, name_ticks, widest, word_ticks
from nnscope.views.registry import arranger, sheeted

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import SpacePicture
    from nnscope.scene.library import Kept, TileStore
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.spacework import SpaceKey

NUMBERS_ZOOM = 40.0  # pixels per cell, at scale 1, from which numbers are written


@dataclass(frozen=True, slots=True)
class TileKey:
    """Which tile of which picture, whatever the content version. ``exact`` is False for a sampled stand-in."""

    source: str
    address: str
    view: str
    layout: Layout
    settings: Settings
    scientific: bool
    level: int
    row: int
    col: int
    exact: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """A pane's frame, what it lacks (most wanted first), and the picture facts of what it shows.

    Attributes
    ----------
    frame : PaneFrame
    missing : tuple of TileKey
    picture : TilePicture or SpacePicture or None
    level : int
    camera : Camera2D or None
    wanted : SpaceKey or None
        The picture of three dimensions that is lacking.
    orbit : Camera3D or None
        The camera of a picture of three dimensions.
    """

    frame: PaneFrame
    missing: tuple[TileKey, ...] = ()
    picture: TilePicture | SpacePicture | None = None
    level: int = 0
    camera: Camera2D | None = None
    wanted: SpaceKey | None = None
    orbit: Camera3D | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pane is on the canvas: its rectangle, the picture's part of it, and device pixels per logical pixel."""

    rect: Rect
    picture: Rect
    scale: float = 1.0


def compose(resolved: Resolved, camera: Camera2D | None, place: Place, tiles: TileStore) -> Composed:
    """The frame of a pane from the tiles at hand.

    Parameters
    ----------
    resolved : Resolved
    camera : Camera2D or None
        None fits the picture.
    place : Place
    tiles : TileStore
    """
    composed = _composed(resolved, camera, place, tiles)
    names = composed.picture.labels[0] if isinstance(composed.picture, TilePicture) else ()
    return _composed(resolved, camera, with_names(place, names), tiles) if names else composed


def with_names(place: Place, names: tuple[str, ...]) -> Place:
    """The place with room for the names of rows on the left of its picture."""
    picture = place.picture
    left = place.rect.x + margins(place.rect, place.scale, widest(names, place.scale))[0]
    narrower = replace(picture, x=left, w=max(1, picture.x + picture.w - left))
    return replace(place, picture=narrower if left > picture.x else picture)


def _composed(resolved: Resolved, camera: Camera2D | None, place: Place, tiles: TileStore) -> Composed:
    base = begun(resolved, place)
    if base.message:
        return Composed(base)
    view = camera if camera is not None else fit(resolved.grid, place.picture)
    shown = snapped(view, place.picture) if view.zoom >= 1 or camera is None else view
    level = level_for(shown.zoom, resolved.levels)
    window = visible_cells(shown, place.picture, resolved.grid)
    wanted = wanted_tiles(resolved, level, window)
    placed, missing, best = _collect(resolved, wanted, tiles)
    ready = bool(placed) and (resolved.view.coloured or resolved.style is not None)
    frame = replace(
        base,
        grid=resolved.grid,
        camera=shown,
        tiles=tuple(placed) if ready else (),
        normalisation=resolved.normalisation,
        style=resolved.style,
        legend=resolved.legend(best.picture if best else None, level) if ready else None,
        row_axis=_rows(resolved, window[:2], shown.zoom, place, best),
        col_axis=_columns(resolved, window[2:], shown.zoom, place, best),
        numbers=_numbers(resolved, window, shown.zoom / place.scale, tiles) if ready else None,
        blocks=_blocks(resolved.layout) if sheeted(resolved.view) is None else (0, 0),
        message="" if ready else "Reading …",
    )
    return Composed(frame, tuple(missing), best.picture if best else None, level, shown)


def begun(resolved: Resolved, place: Place) -> PaneFrame:
    """A pane with its title, and with a message when nothing will be seen in it."""
    message = resolved.refusal
    if not message and 0 in resolved.layout.volume_shape:
        message = "This tensor is empty: one of its axes has no elements."
    title = plain(resolved.info.address, 96)
    return PaneFrame(place.rect, place.picture, title=title, subtitle=_subtitle(resolved), message=message)


def wanted_tiles(resolved: Resolved, level: int, window: tuple[int, int, int, int]) -> list[TileKey]:
    """Keys of the exact tiles that cover ``window`` at ``level``, from the middle outwards."""
    side = TILE << level  # level-0 cells along a tile
    row0, row1, col0, col1 = window
    keys = [
        _key(resolved, level, r, c)
        for r in range(row0 // side, -(-row1 // side))
        for c in range(col0 // side, -(-col1 // side))
    ]
    middle = ((row0 + row1) / 2 / side - 0.5, (col0 + col1) / 2 / side - 0.5)
    return sorted(keys, key=lambda k: (k.row - middle[0]) ** 2 + (k.col - middle[1]) ** 2)


def _key(resolved: Resolved, level: int, row: int, col: int) -> TileKey:
    """Pointwise views look the same in both modes: only what the mode changes is part of their key."""
    return TileKey(
        resolved.source,
        resolved.info.address,
        resolved.view.name,
        resolved.layout,
        resolved.settings,
        resolved.scientific and resolved.view.coloured,
        level,
        row,
        col,
    )


def _collect(
    resolved: Resolved, wanted: list[TileKey], tiles: TileStore
) -> tuple[list[PlacedTile], list[TileKey], Kept | None]:
    """Tiles to draw (stand-ins first), keys to ask for, and one of the finest shown."""
    fine: list[PlacedTile] = []
    stand_ins: dict[TileKey, PlacedTile] = {}
    missing: list[TileKey] = []
    best: Kept | None = None
    for key in wanted:
        kept = tiles.get(key)
        if kept is None or kept.version < resolved.version:
            missing.append(key)
        if kept is None and resolved.large:
            rough = replace(key, exact=False)
            kept = tiles.get(rough)
            if kept is None:
                missing.insert(0, rough)
        if kept is None:
            _add_ancestor(key, resolved.levels, tiles, stand_ins)
            continue
        fine.append(PlacedTile((key, kept.version, kept.picture.sampled), key.level, kept.tile))
        best = kept if best is None or kept.picture.sampled < best.picture.sampled else best
    coarse_first = sorted(stand_ins.values(), key=lambda placed: -placed.level)
    missing.sort(key=lambda key: key.exact)
    return [*coarse_first, *fine], missing, best or _any(stand_ins, tiles)


def _add_ancestor(key: TileKey, levels: int, tiles: TileStore, found: dict[TileKey, PlacedTile]) -> None:
    """The nearest coarser tile that covers ``key``, if one is at hand."""
    for up in range(1, levels - key.level):
        above = replace(key, level=key.level + up, row=key.row >> up, col=key.col >> up)
        for candidate in (above, replace(above, exact=False)):
            kept = tiles.get(candidate)
            if kept is not None:
                placed = PlacedTile((candidate, kept.version, kept.picture.sampled), candidate.level, kept.tile)
                found[candidate] = placed
                return


def _any(stand_ins: dict[TileKey, PlacedTile], tiles: TileStore) -> Kept | None:
    return next((tiles.get(key) for key in stand_ins), None)


def _numbers(
    resolved: Resolved, window: tuple[int, int, int, int], zoom: float, tiles: TileStore
) -> CellNumbers | None:
    """The values of the visible cells as text, when cells are large enough to hold them."""
    if zoom < NUMBERS_ZOOM or resolved.view.coloured:
        return None
    row0, row1, col0, col1 = window
    lines = []
    for row in range(row0, row1):
        line = []
        for col in range(col0, col1):
            kept = tiles.get(_key(resolved, 0, row // TILE, col // TILE))
            r, c = row % TILE, col % TILE
            line.append(
                "" if kept is None else numbers.cell_text(float(kept.tile.values[r, c]), int(kept.tile.states[r, c]))
            )
        lines.append(tuple(line))
    return CellNumbers(row0, col0, tuple(lines))


def _rows(resolved: Resolved, window: tuple[int, int], zoom: float, place: Place, kept: Kept | None) -> AxisTicks:
    """Ticks of the rows, in the picture's own words where it has some."""
    ticks, names = _ticks(resolved, 0, window, zoom / place.scale), kept.picture.labels[0] if kept is not None else ()
    if not names:
        return ticks
    room = place.picture.x - place.rect.x - round(BESIDE_NAMES * place.scale)
    return replace(name_ticks(ticks.name, names, window, zoom / place.scale), room=room)


def _columns(resolved: Resolved, window: tuple[int, int], zoom: float, place: Place, kept: Kept | None) -> AxisTicks:
    """Ticks of the columns, in the picture's own words where it has some."""
    ticks, words = _ticks(resolved, 1, window, zoom / place.scale), kept.picture.labels[1] if kept is not None else ()
    return word_ticks(ticks.name, words, window, zoom / place.scale, place.scale) if words else ticks


def _ticks(resolved: Resolved, side: int, window: tuple[int, int], zoom: float) -> AxisTicks:
    """Ticks of the rows (side 0) or columns, by number."""
    sheet = sheeted(resolved.view)
    if sheet is not None:
        name = sheet.directions(resolved.layout, resolved.settings)[side]
        return middle_ticks(name, resolved.grid[side], window, zoom)
    axes = (resolved.layout.rows, resolved.layout.cols)[side]
    return axis_ticks(resolved.layout, axes, resolved.info.axes, window, zoom)


def _blocks(layout: Layout) -> tuple[int, int]:
    """Cells under one index of the outermost row and column axis, where there are more axes within."""

    def inner(axes: tuple[int, ...]) -> int:
        size = math.prod(layout.virtual_shape[a] for a in axes[1:])
        return size if len(axes) > 1 and size > 1 and not layout.gap else 0

    return inner(layout.rows), inner(layout.cols)


def _subtitle(resolved: Resolved) -> str:
    info = resolved.info
    kept = f"means of {info.means}×{info.means}" if info.means else numbers.shape(info.shape) if info.kept else ""
    parts, arranging = [numbers.shape(info.full_shape), *filter(None, (kept,)), info.dtype], arranger(resolved.view)
    if arranging is not None and not resolved.refusal:
        parts.append(arranging.subject(info, resolved.layout, resolved.settings))
    elif resolved.layout.fixed and not resolved.view.coloured:
        at = ", ".join(f"axis {a} = {i}" for a, i in _real_fixed(resolved.layout))
        parts.append(at)
    return "  ·  ".join(parts)


def _real_fixed(layout: Layout) -> list[tuple[int, int]]:
    """Fixed axes in the tensor's own numbering."""
    split = layout.split[0] if layout.split is not None else len(layout.virtual_shape)
    return [(a if a <= split else a - 1, i) for a, i in layout.fixed]


def marked(frame: PaneFrame, markers: tuple[Marker, ...], active: bool) -> PaneFrame:
    """The frame with its cursor and pins, and whether it is the active pane."""
    return replace(frame, markers=markers, active=active)
