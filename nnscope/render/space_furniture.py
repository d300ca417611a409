"""Around a volume: its bounding box with ticks and names along three edges, and a small cube that shows how it lies."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import Eye, eye
from nnscope.core.landscape import LandscapePicture
from nnscope.render.overlay import aligned
from nnscope.scene.cube import cube_eye, cube_place

if TYPE_CHECKING:
    from nnscope.core.frame import AxisTicks, Marker, PaneFrame, Rect, SpaceFrame
    from nnscope.render.overlay import Align, Overlay, TextStyle

LEAST_BOX = 16  # logical pixels: lines around a smaller volume would hide it
TICK = 5  # logical pixels
LETTERS = "xyz"
_BEHIND = 0.35  # opacity of edges behind the volume
_NEAR = 1e-3  # voxels before a perspective eye from which on lines are drawn
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))  # (x, y, z)
_SIDES = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])  # edges between `_CORNERS`
_LEAST_MARKER = 8  # logical pixels


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a box.

    Attributes
    ----------
    axis : int
        0, 1, 2: along x, y, z.
    start, end : ndarray (3,)
        Corners with coordinates 0 and 1.
    front : int
        How many of the two faces it belongs to are turned towards the eye.
    """

    axis: int
    start: np.ndarray
    end: np.ndarray
    front: int


def draw_space(overlay: Overlay, pane: PaneFrame, space: SpaceFrame) -> None:
    """Add the box, its axes and the little cube of a volume."""
    size = np.array(space.picture.bounds[::-1], np.float64)
    seen = eye(space.camera, space.picture.bounds, pane.picture)
    corner = np.array((pane.picture.x, pane.picture.y))
    all_edges = edges(seen, size) if _spread(seen, size) > overlay.px(LEAST_BOX) else []
    solid = isinstance(space.picture, LandscapePicture)
    for edge in all_edges:
        if solid and edge.front != 1 and (edge.axis != 1 or edge.front == 2):
            continue  # it lies behind the ground, or would cross the picture in front
        ends = _visible(seen, edge.start * size, edge.end * size)
        line = None if ends is None else clipped(seen.project(ends)[0] + corner, pane.picture)
        if line is not None:
            faint = 1.0 if edge.front else _BEHIND
            overlay.line(line[0], line[1], max(1.0, overlay.scale), overlay.theme.secondary, faint)
    for axis, ticks in enumerate(reversed(space.axes)):
        at = all_edges and labelled(seen, size, [edge for edge in all_edges if edge.axis == axis])
        if at:
            _draw_axis(overlay, pane, seen, size, (at, ticks))
    for marker in pane.markers:
        _draw_marker(overlay, pane, seen, marker)
    draw_cube(overlay, pane, space)


def _spread(seen: Eye, size: np.ndarray) -> float:
    """Pixels across a box from 0 to ``size`` as it appears; ∞ when some of it lies behind the eye."""
    pixels, depth = seen.project(_CORNERS * size)
    return float(np.ptp(pixels, axis=0).max()) if (depth > _NEAR).all() else np.inf


def _draw_marker(overlay: Overlay, pane: PaneFrame, seen: Eye, marker: Marker) -> None:
    """The edges of a voxel, two-tone so that they show on any colour; a small voxel gets a square around it."""
    assert pane.space is not None
    layout = pane.space.picture.layout
    place = (marker.row, marker.col, marker.depth) if layout.depth else (marker.row, marker.col)
    low, high = np.array(pane.space.picture.box_of(place, marker.size))
    pixels, depth = seen.project(low + _CORNERS * (high - low))
    if not (depth > _NEAR).all():
        return
    pixels += (pane.picture.x, pane.picture.y)
    colour = overlay.theme.accent if marker.kind == "pin" else overlay.theme.text
    thin = max(1.0, overlay.scale)
    lines = pixels[_SIDES]
    if np.ptp(pixels, axis=0).max() < overlay.px(_LEAST_MARKER):
        half = overlay.px(_LEAST_MARKER) / 2
        square = pixels.mean(0) + half * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1)))
        lines = np.stack((square, np.roll(square, -1, axis=0)), 1)
    for width, shade in ((3 * thin, overlay.theme.ground), (thin, colour)):
        for line in lines:
            part = clipped(line, pane.picture)
            if part is not None:
                overlay.line(part[0], part[1], width, shade)


def edges(seen: Eye, size: np.ndarray) -> list[Edge]:
    """The twelve edges of a box from 0 to ``size``."""
    front = [_faces_eye(seen, size, axis, side) for axis, side in itertools.product(range(3), (0, 1))]
    found = []
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        for sides in itertools.product((0, 1), repeat=2):
            start = np.zeros(3)
            start[others] = sides
            count = sum(front[2 * a + side] for a, side in zip(others, sides, strict=True))
            found.append(Edge(axis, start, start + np.eye(3)[axis], count))
    return found


def labelled(seen: Eye, size: np.ndarray, along: list[Edge]) -> Edge | None:
    """Of the edges along one axis, the one at which labels stand: on the outline, the left one of y, else the lower."""

    def place(edge: Edge) -> float:
        pixels, depth = seen.project(np.stack((edge.start, edge.end)) * size)
        if edge.front != 1 or not (depth > _NEAR).all():
            return -np.inf
        x, y = pixels.mean(0)
        return float(-x if edge.axis == 1 else y)

    best = max(along, key=place)
    return best if place(best) > -np.inf else None


def clipped(line: np.ndarray, within: Rect) -> np.ndarray | None:
    """The part of a line, two points (2, 2), inside a rectangle; None for none (Liang & Barsky 1984)."""
    start, along = line[0], line[1] - line[0]
    low, high = np.array((within.x, within.y)), np.array((within.x + within.w, within.y + within.h))
    first, last = 0.0, 1.0
    for a in range(2):
        if along[a] == 0:
            if not low[a] <= start[a] <= high[a]:
                return None
            continue
        ends = sorted(((low[a] - start[a]) / along[a], (high[a] - start[a]) / along[a]))
        first, last = max(first, ends[0]), min(last, ends[1])
    return None if first >= last else np.array((start + first * along, start + last * along))


def draw_cube(overlay: Overlay, pane: PaneFrame, space: SpaceFrame) -> None:
    """The little cube in the lower left of the picture, turned as the volume is."""
    place = cube_place(pane.picture, overlay.scale)
    if place is None:
        return
    seen = cube_eye(space.camera, place)
    one, corner = np.ones(3), np.array((place.x, place.y))
    for axis, end in itertools.product(range(3), (0, 1)):
        if _faces_eye(seen, one, axis, end):
            points = _CORNERS[_CORNERS[:, axis] == end]
            overlay.face(seen.project(points)[0] + corner, overlay.theme.line, (0.9, 1.0, 0.6)[axis])
    for edge in edges(seen, one):
        if edge.front:
            line = seen.project(np.stack((edge.start, edge.end)))[0] + corner
            overlay.line(line[0], line[1], max(1.0, overlay.scale), overlay.theme.secondary)
    _draw_letters(overlay, seen, corner)


def _draw_letters(overlay: Overlay, seen: Eye, corner: np.ndarray) -> None:
    """x, y and z beside those edges of the little cube that have the labels of the box."""
    style, one = aligned(overlay.small, "centre"), np.ones(3)
    for axis, letter in enumerate(LETTERS):
        edge = labelled(seen, one, [edge for edge in edges(seen, one) if edge.axis == axis])
        if edge is not None:
            ends = seen.project(np.stack((edge.start, edge.end)))[0]
            outward = _outward(ends, seen.project(one[None] / 2)[0][0])
            x, y = ends.mean(0) + corner + outward * overlay.px(8)
            overlay.text(letter, x, y + overlay.px(4), style)


def _draw_axis(overlay: Overlay, pane: PaneFrame, seen: Eye, size: np.ndarray, what: tuple[Edge, AxisTicks]) -> None:
    edge, ticks = what
    corner = np.array((pane.picture.x, pane.picture.y))
    ends = seen.project(np.stack((edge.start, edge.end)) * size)[0] + corner
    outward = _outward(ends, seen.project(size[None] / 2)[0][0] + corner)
    style = aligned(overlay.small, _align(outward))
    taken: list[tuple[float, float]] = []
    for position, label in ticks.ticks:
        at = edge.start * size
        at[edge.axis] = position
        pixel = seen.project(at[None])[0][0] + corner
        if not pane.picture.contains(*pixel):
            continue
        overlay.line(pixel, pixel + outward * overlay.px(TICK), max(1.0, overlay.scale), overlay.theme.secondary)
        _write(overlay, label, pixel + outward * overlay.px(TICK + 8), style, taken)
    beside = (
        0.0 if style.align == "centre" else max((overlay.width(text, style) for _, text in ticks.ticks), default=0.0)
    )
    middle = ends.mean(0) + outward * max(overlay.px(TICK + 34), overlay.px(TICK + 16) + beside)
    if ticks.name and pane.picture.contains(*middle):
        named = replace(style, colour=overlay.theme.text)
        wide = overlay.width(ticks.name, named)
        x = max(middle[0], pane.rect.x + overlay.px(8) + wide) if named.align == "right" else middle[0]
        overlay.text(ticks.name, x, middle[1] + overlay.px(4), named)


def _write(overlay: Overlay, label: str, at: np.ndarray, style: TextStyle, taken: list[tuple[float, float]]) -> None:
    """A tick's label, unless it would touch one that is there."""
    wide, high = overlay.width(label, style) + overlay.px(6), overlay.px(14)
    if all(abs(at[0] - x) >= wide or abs(at[1] - y) >= high for x, y in taken):
        overlay.text(label, at[0], at[1] + overlay.px(4), style)
        taken.append((at[0], at[1]))


def _outward(line: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """The unit vector across a line, away from a point."""
    along = line[1] - line[0]
    across = np.array((-along[1], along[0])) / max(float(np.hypot(*along)), 1e-9)
    return across if across @ (line.mean(0) - middle) >= 0 else -across


def _align(outward: np.ndarray) -> Align:
    if abs(outward[0]) < 0.5:
        return "centre"
    return "left" if outward[0] > 0 else "right"


def _faces_eye(seen: Eye, size: np.ndarray, axis: int, side: int) -> bool:
    """Whether a face of the box from 0 to ``size`` is turned towards the eye."""
    outward = 1 if side else -1
    if seen.parallel:
        return bool(-seen.ahead[axis] * outward > 0)
    return bool((seen.position[axis] - side * size[axis]) * outward > 0)


def _visible(seen: Eye, start: np.ndarray, end: np.ndarray) -> np.ndarray | None:
    """The part of an edge before the eye: two points (2, 3); None for none."""
    points = np.stack((start, end))
    _, depth = seen.project(points)
    if seen.parallel or (depth > _NEAR).all():
        return points
    if (depth <= _NEAR).all():
        return None
    share = (_NEAR - depth[0]) / (depth[1] - depth[0])
    points[int(depth[1] <= _NEAR)] = start + share * (end - start)
    return points
