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
from nnscope.scene.orbit import flat

if TYPE_CHECKING:
    from nnscope.core.frame import AxisTicks, Marker, PaneFrame, Rect, SpaceFrame
    from nnscope.render.overlay import Align, Overlay, TextStyle

LEAST_BOX = 16  # logical pixels: lines around a smaller volume would hide it
TICK = 5  # logical pixels
LETTERS = "xyz"
_BEHIND = 0.35  # opacity of edges behind the volume
_NEAR = 1e-3  # voxels before a perspective eye from which on lines are drawn
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))  # (x, y, z)
_MIDDLE = np.full((1, 3), 0.5)
_SIDES = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])  # edges between `_CORNERS`
_LEAST_MARKER = 8  # logical pixels


def _edge(axis: int, start: int) -> tuple[int, tuple[int, int], list[int]]:
    """Axis and corners of the edge from a corner upwards along an axis; the numbers in `faces` of its two faces."""
    return axis, (start, start | 4 >> axis), [2 * a + int(_CORNERS[start, a]) for a in range(3) if a != axis]


_EDGES = [_edge(axis, start) for axis in range(3) for start in range(8) if not start & 4 >> axis]


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a box.

    Attributes
    ----------
    axis : int
        0, 1, 2: along x, y, z.
    ends : (int, int)
        Numbers of the corners at its lower and its upper end.
    front : int
        How many of the two faces it belongs to are turned towards the eye.
    """

    axis: int
    ends: tuple[int, int]
    front: int


@dataclass(frozen=True, slots=True, eq=False)
class SeenBox:
    """A box from 0 to its size as it appears, worked out once for all that is drawn around it.

    Attributes
    ----------
    seen : Eye
    size : ndarray (3,)
    corner : ndarray (2,)
        Of the picture, in device pixels.
    pixels : ndarray (8, 2)
        Where its corners appear, in the order of `_CORNERS`; they mean nothing behind the eye.
    before : ndarray of bool, shape (8,)
        Which corners lie before the eye.
    middle : ndarray (2,)
        Where its middle appears.
    edges : tuple of Edge
        All twelve.
    """

    seen: Eye
    size: np.ndarray
    corner: np.ndarray
    pixels: np.ndarray
    before: np.ndarray
    middle: np.ndarray
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, seen: Eye, size: np.ndarray, corner: np.ndarray) -> SeenBox:
        """The box from 0 to ``size`` before a camera; ``corner`` is the picture's on the canvas."""
        pixels, depth = seen.project(np.concatenate((_CORNERS, _MIDDLE)) * size)
        front = faces(seen, size)
        shown = tuple(Edge(axis, ends, int(front[sides].sum())) for axis, ends, sides in _EDGES)
        pixels += corner
        return cls(seen, size, corner, pixels[:8], seen.parallel | (depth[:8] > _NEAR), pixels[8], shown)

    @property
    def spread(self) -> float:
        """Pixels across it as it appears; ∞ when some of it lies behind the eye."""
        return float(np.ptp(self.pixels, axis=0).max()) if self.before.all() else np.inf

    def line(self, edge: Edge) -> np.ndarray | None:
        """Where the part of an edge before the eye appears: two points (2, 2); None for none."""
        ends = list(edge.ends)
        if self.before[ends].all():
            return np.asarray(self.pixels[ends])
        if not self.before[ends].any():
            return None
        points = _CORNERS[ends] * self.size
        _, depth = self.seen.project(points)
        share = (_NEAR - depth[0]) / (depth[1] - depth[0])
        points[int(depth[1] <= _NEAR)] = points[0] + share * (points[1] - points[0])
        return self.project(points)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Where points (n, 3) before the eye appear on the canvas: (n, 2)."""
        return np.asarray(self.seen.project(points)[0] + self.corner)

    def labelled(self, axis: int) -> Edge | None:
        """The edge along an axis at which labels stand: on the outline, the left one of y, else the lower."""
        found, best = None, -np.inf
        for edge in self.edges:
            if edge.axis == axis and edge.front == 1 and self.before[list(edge.ends)].all():
                x, y = self.pixels[list(edge.ends)].sum(0).tolist()
                place = -x if axis == 1 else y
                if place > best:
                    found, best = edge, place
        return found


def draw_space(overlay: Overlay, pane: PaneFrame, space: SpaceFrame) -> None:
    """Add the box, its axes and the little cube of a volume."""
    size = np.array(space.picture.bounds[::-1], np.float64)
    seen = eye(space.camera, space.picture.bounds, pane.picture)
    box = SeenBox.of(seen, size, np.array((pane.picture.x, pane.picture.y)))
    if box.spread > overlay.px(LEAST_BOX):
        _draw_edges(overlay, pane, box, isinstance(space.picture, LandscapePicture))
        for axis, ticks in enumerate(reversed(space.axes)):
            at = box.labelled(axis)
            if at is not None:
                _draw_axis(overlay, pane, box, (at, ticks))
    for marker in pane.markers:
        _draw_marker(overlay, pane, seen, marker)
    if not flat(space.camera, space.picture.bounds):  # else it is a map
        draw_cube(overlay, pane, space)


def _draw_edges(overlay: Overlay, pane: PaneFrame, box: SeenBox, solid: bool) -> None:
    """The edges of the box; of a solid picture only those that it neither hides nor is crossed by."""
    for edge in box.edges:
        if solid and edge.front != 1 and (edge.axis != 1 or edge.front == 2):
            continue  # it lies behind the ground, or would cross the picture in front
        ends = box.line(edge)
        line = None if ends is None else clipped(ends, pane.picture)
        if line is not None:
            faint = 1.0 if edge.front else _BEHIND
            overlay.line(line[0], line[1], max(1.0, overlay.scale), overlay.theme.secondary, faint)


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


def clipped(line: np.ndarray, within: Rect) -> np.ndarray | None:
    """The part of a line, two points (2, 2), inside a rectangle; None for none (Liang & Barsky 1984)."""
    (x0, y0), (x1, y1) = line.tolist()
    first, last = 0.0, 1.0
    sides = ((x0, x1 - x0, within.x, within.x + within.w), (y0, y1 - y0, within.y, within.y + within.h))
    for start, along, low, high in sides:
        if along == 0:
            if not low <= start <= high:
                return None
            continue
        ends = sorted(((low - start) / along, (high - start) / along))
        first, last = max(first, ends[0]), min(last, ends[1])
    if first >= last:
        return None
    return line if (first, last) == (0.0, 1.0) else line[0] + np.array(((first,), (last,))) * (line[1] - line[0])


def draw_cube(overlay: Overlay, pane: PaneFrame, space: SpaceFrame) -> None:
    """The little cube in the lower left of the picture, turned as the volume is."""
    place = cube_place(pane.picture, overlay.scale)
    if place is None:
        return
    seen = cube_eye(space.camera, place)
    box = SeenBox.of(seen, np.ones(3), np.array((place.x, place.y)))
    front = faces(seen, box.size)
    for axis, end in itertools.product(range(3), (0, 1)):
        if front[2 * axis + end]:
            overlay.face(box.pixels[_CORNERS[:, axis] == end], overlay.theme.line, (0.9, 1.0, 0.6)[axis])
    for edge in box.edges:
        if edge.front:
            start, end_ = box.pixels[list(edge.ends)]
            overlay.line(start, end_, max(1.0, overlay.scale), overlay.theme.secondary)
    _draw_letters(overlay, box)


def _draw_letters(overlay: Overlay, box: SeenBox) -> None:
    """x, y and z beside those edges of the little cube that have the labels of the box."""
    style = aligned(overlay.small, "centre")
    for axis, letter in enumerate(LETTERS):
        edge = box.labelled(axis)
        if edge is not None:
            ends = box.pixels[list(edge.ends)]
            x, y = ends.mean(0) + _outward(ends, box.middle) * overlay.px(8)
            overlay.text(letter, x, y + overlay.px(4), style)


def _draw_axis(overlay: Overlay, pane: PaneFrame, box: SeenBox, what: tuple[Edge, AxisTicks]) -> None:
    edge, ticks = what
    ends = box.pixels[list(edge.ends)]
    outward = _outward(ends, box.middle)
    style = aligned(overlay.small, _align(outward))
    taken: list[tuple[float, float]] = []
    for pixel, (_, label) in zip(_at_ticks(box, edge, ticks), ticks.ticks, strict=True):
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


def _at_ticks(box: SeenBox, edge: Edge, ticks: AxisTicks) -> np.ndarray:
    """Where the ticks of an axis appear: (n, 2)."""
    points = np.repeat((_CORNERS[edge.ends[0]] * box.size)[None], len(ticks.ticks), 0)
    points[:, edge.axis] = [position for position, _ in ticks.ticks]
    return box.project(points)


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


def faces(seen: Eye, size: np.ndarray) -> np.ndarray:
    """Which faces of a box from 0 to ``size`` are turned towards the eye: bool, lower and upper of x, of y, of z."""
    if seen.parallel:
        return np.stack((seen.ahead > 0, seen.ahead < 0), 1).ravel()
    return np.stack((seen.position < 0, seen.position > size), 1).ravel()
