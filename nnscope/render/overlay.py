"""Furniture as quads: rectangles, rounded rectangles, ramps and text, collected in device pixels. No GL here.

Whole pixels throughout: an edge is never blurred. Quads are drawn in the order in which they were added, but for ramps
and lines (`rects`), which lie below everything else. A frame has a few hundred quads and is built anew each time, so
adding one is appending to a list, and all arithmetic is done at the end for all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nnscope.scene.typeface import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.frame import Colour, Rect, Theme
    from nnscope.render.glyphs import Glyphs, Run

VERTEX = np.dtype([("a_place", np.float32, 4), ("a_colour", np.float32, 4), ("a_shape", np.float32, 4)])
PLAIN, GLYPH, ROUNDED, LINE = 0.0, 1.0, 2.0, 3.0

# A shape: corners x0, y0, x1, y1 in pixels from an origin, then what they map to. What goes with it: origin x, y,
# whether it is turned, red, green, blue, opacity, kind, half width, half height, radius.
_SHAPE, _WITH = 8, 11
_CORNERS = [[0, 1], [2, 1], [0, 3], [2, 3]]
_LOCAL = [[4, 5], [6, 5], [4, 7], [6, 7]]
_LOCAL_TURNED = [[6, 5], [6, 7], [4, 5], [4, 7]]

_FIGURE = 0.72  # height of figures in em

Align = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a line is written. ``size`` in device pixels per em; a turned line reads upwards."""

    size: int
    colour: Colour
    face: Face = Face.TEXT
    align: Align = "left"
    turned: bool = False


class Overlay:
    """The furniture of one frame.

    Parameters
    ----------
    glyphs : Glyphs
    theme : Theme
    scale : float
        Device pixels per logical pixel.
    """

    def __init__(self, glyphs: Glyphs, theme: Theme, scale: float) -> None:
        self.glyphs = glyphs
        self.theme = theme
        self.scale = scale
        self._shapes: list[np.ndarray] = []
        self._with: list[tuple[float, ...]] = []
        self._below: list[tuple[np.ndarray, np.ndarray]] = []
        self._slanted: list[np.ndarray] = []
        self.small = TextStyle(self.px(11), theme.secondary)
        self.normal = TextStyle(self.px(11), theme.text)
        self.strong = TextStyle(self.px(11), theme.text, Face.STRONG)
        self.address = TextStyle(self.px(13), theme.text, Face.MONO)
        self.body = TextStyle(self.px(13), theme.secondary)

    def px(self, logical: float) -> int:
        """Logical pixels in whole device pixels."""
        return round(logical * self.scale)

    def rect(self, place: Rect, colour: Colour, opacity: float = 1.0) -> None:
        """A filled rectangle."""
        self._add((place.x, place.y, place.x + place.w, place.y + place.h, 0, 0, 0, 0), colour, opacity)

    def rects(self, corners: np.ndarray, colours: np.ndarray, opacity: float = 1.0) -> None:
        """Filled rectangles below all else: (n, 4) corners x0, y0, x1, y1 and (n, 3) or (3,) colours."""
        shapes, others = np.zeros((len(corners), _SHAPE), np.float32), np.zeros((len(corners), _WITH), np.float32)
        shapes[:, :4] = corners
        others[:, 3:6] = np.asarray(colours, np.float32) / 255
        others[:, 6] = opacity
        self._below.append((shapes, others))

    def outline(self, place: Rect, thickness: int, colour: Colour, within: Rect | None = None) -> None:
        """The inside edge of a rectangle, as far as it lies ``within`` another."""
        x, y, right, bottom = place.x, place.y, place.x + place.w, place.y + place.h
        t = min(thickness, place.w, place.h)
        sides = ((x, y, right, y + t), (x, bottom - t, right, bottom), (x, y + t, x + t, bottom - t))
        for side in (*sides, (right - t, y + t, right, bottom - t)):
            self._add((*(side if within is None else _clipped(side, within)), 0, 0, 0, 0), colour, 1.0)

    def line(self, start: np.ndarray, end: np.ndarray, width: float, colour: Colour, opacity: float = 1.0) -> None:
        """A line in any direction with soft edges, below text and rectangles; ``width`` in device pixels."""
        along = np.asarray(end, np.float64) - start
        length = float(np.hypot(*along))
        if length:
            half = width / 2
            side = np.array((-along[1], along[0])) / length * (half + 1)
            corners = np.array((start - side, end - side, start + side, end + side))
            local = np.array(((0, -half - 1), (length, -half - 1), (0, half + 1), (length, half + 1)))
            self._slant(corners, local, colour, opacity, (LINE, half, 0.0, 0.0))

    def face(self, corners: np.ndarray, colour: Colour, opacity: float = 1.0) -> None:
        """A filled shape of four corners (4, 2), two and two opposite each other; below text and rectangles."""
        self._slant(np.asarray(corners, np.float64), np.zeros((4, 2)), colour, opacity, (PLAIN, 0.0, 0.0, 0.0))

    def rounded(self, place: Rect, radius: float, colour: Colour, opacity: float = 1.0) -> None:
        """A filled rectangle with round corners."""
        half = (place.w / 2, place.h / 2)
        local = (-half[0], -half[1], *half)
        corners = (place.x, place.y, place.x + place.w, place.y + place.h)
        self._add((*corners, *local), colour, opacity, (ROUNDED, *half, min(radius, *half)))

    def ramp(self, place: Rect, colours: np.ndarray, upwards: bool) -> None:
        """A strip of colours (n, 3), each as nearly the same share of ``place`` as whole pixels allow."""
        length = place.h if upwards else place.w
        index = ((np.arange(length) + 0.5) / length * len(colours)).astype(int)
        at = np.arange(length)
        corners = np.empty((length, 4))
        if upwards:
            bottom = place.y + place.h
            corners[:] = np.stack(
                (np.full(length, place.x), bottom - at - 1, at * 0 + place.x + place.w, bottom - at), 1
            )
        else:
            left = place.x + at
            corners[:] = np.stack((left, np.full(length, place.y), left + 1, np.full(length, place.y + place.h)), 1)
        self.rects(corners, np.asarray(colours)[index])

    def text(self, text: str, x: float, y: float, style: TextStyle, width: float = 0.0) -> float:
        """A line of text on baseline ``y``, elided to ``width`` if that isn't 0; its advance is returned."""
        if width:
            text = self.glyphs.elided(text, style.face, style.size, width)
        run = self.glyphs.run(text, style.face, style.size)
        self._add_run(run, x, y, style)
        return run.width

    def numbers(self, texts: Sequence[str], centres: np.ndarray, colours: np.ndarray, style: TextStyle) -> None:
        """Many short lines at once, each centred on (n, 2) ``centres``, in (n, 3) ``colours``."""
        runs = [self.glyphs.run(text, style.face, style.size) for text in texts]
        others = np.zeros((len(runs), _WITH), np.float32)
        others[:, 0] = np.rint(centres[:, 0] - [run.width / 2 for run in runs])
        others[:, 1] = np.rint(centres[:, 1] + style.size * _FIGURE / 2)
        others[:, 3:6] = colours / 255
        others[:, 6:8] = 1.0, GLYPH
        self._shapes += [run.quads for run in runs]
        self._with += map(tuple, others.tolist())

    def width(self, text: str, style: TextStyle) -> float:
        """Advance in device pixels of a line that is going to be drawn in that style."""
        return self.glyphs.run(text, style.face, style.size).width

    def vertices(self) -> np.ndarray:
        """Everything added so far: `VERTEX`, 4 a quad."""
        counts = [len(shape) for shape in self._shapes]
        others = np.repeat(np.array(self._with, np.float32).reshape(-1, _WITH), counts, axis=0)
        shape = np.concatenate([*(below for below, _ in self._below), np.zeros((0, _SHAPE), np.float32), *self._shapes])
        other = np.concatenate([*(below for _, below in self._below), others])
        turned = other[:, 2] > 0
        place = shape[:, :4]
        place[turned] = place[turned][:, [1, 2, 3, 0]] * (1, -1, 1, -1)
        place += other[:, [0, 1, 0, 1]]
        vertices = np.empty((len(shape), 4), VERTEX)
        vertices["a_place"][..., :2] = place[:, _CORNERS]
        vertices["a_place"][..., 2:] = np.where(turned[:, None, None], shape[:, _LOCAL_TURNED], shape[:, _LOCAL])
        vertices["a_colour"] = other[:, None, 3:7]
        vertices["a_shape"] = other[:, None, 7:11]
        below = sum(len(corners) for corners, _ in self._below)
        return np.concatenate([vertices[:below].ravel(), *self._slanted, vertices[below:].ravel()])

    def _slant(
        self, corners: np.ndarray, local: np.ndarray, colour: Colour, opacity: float, shape: tuple[float, ...]
    ) -> None:
        vertices = np.empty(4, VERTEX)
        vertices["a_place"] = np.concatenate((corners, local), 1)
        vertices["a_colour"] = (*(channel / 255 for channel in colour), opacity)
        vertices["a_shape"] = shape
        self._slanted.append(vertices)

    def _add_run(self, run: Run, x: float, y: float, style: TextStyle) -> None:
        shift = {"left": 0.0, "centre": run.width / 2, "right": run.width}[style.align]
        x, y = (round(x), round(y + shift)) if style.turned else (round(x - shift), round(y))
        red, green, blue = style.colour
        self._shapes.append(run.quads)
        self._with.append((x, y, style.turned, red / 255, green / 255, blue / 255, 1.0, GLYPH, 0.0, 0.0, 0.0))

    def _add(
        self,
        place: tuple[float, ...],
        colour: Colour,
        opacity: float,
        shape: tuple[float, float, float, float] = (PLAIN, 0.0, 0.0, 0.0),
    ) -> None:
        red, green, blue = colour
        self._shapes.append(np.array((place,), np.float32))
        self._with.append((0.0, 0.0, 0.0, red / 255, green / 255, blue / 255, opacity, *shape))


def _clipped(corners: tuple[int, ...], within: Rect) -> tuple[int, ...]:
    right, bottom = within.x + within.w, within.y + within.h
    x0, y0, x1, y1 = corners
    x0, x1 = (min(max(x, within.x), right) for x in (x0, x1))
    y0, y1 = (min(max(y, within.y), bottom) for y in (y0, y1))
    return x0, y0, x1, y1


def aligned(style: TextStyle, align: Align, turned: bool = False) -> TextStyle:
    """The same style, aligned otherwise."""
    return replace(style, align=align, turned=turned)
