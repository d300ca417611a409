"""Text as quads: glyphs drawn once by FreeType (through Pillow) into an atlas, then placed pixel for pixel.

Glyphs are rendered at four times their size and averaged down. That keeps the typeface's own widths at any scale and
allows four positions within a pixel across, while the baseline always falls on a pixel's edge; Pillow itself places
glyphs on whole pixels only. Sizes are chosen (11 and 13 px, and multiples) so that the heights of Inter and JetBrains
Mono come out close to whole pixels. Text is plain: no markup, no shaping. A character the font lacks shows as □.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.scene.typeface import Face, typeface

if TYPE_CHECKING:
    from collections.abc import Sequence

PHASES = 4  # positions within a pixel, and the oversampling
START, LARGEST = 512, 4096  # texels a side of the atlas
_ELLIPSIS = "…"
_RUNS = 8192  # lines kept set
_LONGEST = 4096  # characters of a line that are looked at


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A line of text, set.

    Attributes
    ----------
    quads : ndarray of float32, shape (n, 8)
        x0, y0, x1, y1 in pixels from the start of the baseline, and the texels s0, t0, s1, t1.
    width : float
        Advance in pixels.
    """

    quads: np.ndarray
    width: float


class Glyphs:
    """The atlas and the text set from it.

    Attributes
    ----------
    coverage : ndarray of uint8, shape (n, n)
        What goes into the texture; replaced by a larger array when it is full.
    version : int
        Rises when ``coverage`` changes.
    """

    def __init__(self) -> None:
        self.version = 0
        self._clear(START)

    def _clear(self, side: int) -> None:
        self.coverage = np.zeros((side, side), np.uint8)
        self._glyphs: dict[tuple[Face, int, str, int], tuple[float, ...]] = {}
        self._runs: dict[tuple[Face, int, str], Run] = {}
        self._elided: dict[tuple[Face, int, float, str], str] = {}
        self._x = self._y = self._row = 0

    def start_frame(self) -> None:
        """Make room when the atlas can't grow any more; what was set before is no longer valid."""
        if len(self.coverage) == LARGEST and self._y > LARGEST // 2:
            self._clear(LARGEST)

    def run(self, text: str, face: Face, size: int) -> Run:
        """``text`` in one line at ``size`` pixels per em."""
        key = (face, size, text)
        run = self._runs.get(key)
        if run is None:
            if len(self._runs) >= _RUNS:
                self._runs.clear()
            run = self._runs[key] = self._set(text, _font(face), size)
        return run

    def width(self, text: str, face: Face, size: int) -> float:
        """Advance of ``text`` in pixels."""
        font = _font(face)
        return sum(font.advance(c) for c in text) * size

    def elided(self, text: str, face: Face, size: int, width: float) -> str:
        """``text``, with its middle left out when it is wider than ``width``."""
        key = (face, size, width, text)
        short = self._elided.get(key)
        if short is None:
            if len(self._elided) >= _RUNS:
                self._elided.clear()
            short = self._elided[key] = self._elide(text, face, size, width)
        return short

    def wrapped(self, text: str, face: Face, size: int, width: float) -> list[str]:
        """``text`` in lines no wider than ``width``; a single word that is wider is elided."""
        lines: list[str] = []
        for word in text[:_LONGEST].split():
            if lines and self.width(f"{lines[-1]} {word}", face, size) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return [self.elided(line, face, size, width) for line in lines]

    def _elide(self, text: str, face: Face, size: int, width: float) -> str:
        if len(text) <= _LONGEST and self.width(text, face, size) <= width:
            return text
        low, high = 0, min(len(text), _LONGEST)  # characters kept
        while low + 1 < high:
            keep = (low + high) // 2
            low, high = (keep, high) if self.width(_shortened(text, keep), face, size) <= width else (low, keep)
        return _shortened(text, low)

    def _set(self, text: str, font: _Font, size: int) -> Run:
        quads, x = [], 0.0
        for character in text:
            whole, phase = divmod(round(x * PHASES), PHASES)
            left, top, right, bottom, *texels = self._glyph(font, size, character, phase)
            if right > left:
                quads.append((left + whole, top, right + whole, bottom, *texels))
            x += font.advance(character) * size
        return Run(np.array(quads, np.float32).reshape(-1, 8), x)

    def _glyph(self, font: _Font, size: int, character: str, phase: int) -> tuple[float, ...]:
        key = (font.face, size, character, phase)
        if key not in self._glyphs:
            left, top, coverage = font.draw(character, size, phase)
            height, width = coverage.shape
            s, t = self._room(height, width)
            self.coverage[t : t + height, s : s + width] = coverage
            self.version += 1
            self._glyphs[key] = (left, top, left + width, top + height, s, t, s + width, t + height)
        return self._glyphs[key]

    def _room(self, height: int, width: int) -> tuple[int, int]:
        """The next free place, in rows from the top."""
        if self._x + width > len(self.coverage):
            self._x, self._y, self._row = 0, self._y + self._row, 0
        if self._y + height > len(self.coverage):
            side = len(self.coverage)
            if side == LARGEST:
                raise NnscopeError(
                    "There is more text in this picture than fits.", remedy="Draw it at a smaller scale."
                )
            self.coverage = np.pad(self.coverage, (0, side))
        place = self._x, self._y
        self._x += width
        self._row = max(self._row, height)
        return place


def _shortened(text: str, keep: int) -> str:
    tail = keep // 2
    return text[: keep - tail] + _ELLIPSIS + (text[-tail:] if tail else "")


@lru_cache
def _font(face: Face) -> _Font:
    return _Font(face)


def draw_ahead(characters: str, sizes: Sequence[int]) -> None:
    """Draw characters before they are needed; in any thread."""
    for face, size, character, phase in product(Face, sizes, characters, range(PHASES)):
        _font(face).draw(character, size, phase)
        _font(face).advance(character)


class _Font:
    """A typeface at any size; what it has drawn is kept for all atlases."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self._typeface = typeface(face)
        self.advance = self._typeface.advance
        self._drawn: dict[tuple[str, int, int], tuple[int, int, np.ndarray]] = {}

    def draw(self, character: str, size: int, phase: int) -> tuple[int, int, np.ndarray]:
        """Left and top from the origin in pixels, and coverage (h, w), of a glyph moved by ``phase`` quarters."""
        key = (character, size, phase)
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= _RUNS:
                self._drawn.clear()
            drawn = self._drawn[key] = self._draw(*key)
        return drawn

    def _draw(self, character: str, size: int, phase: int) -> tuple[int, int, np.ndarray]:
        left, top, fine = self._fine(character, size)
        if not fine.size:
            return 0, 0, fine.reshape(0, 0)
        left += phase
        x0, y0 = left // PHASES, top // PHASES
        width = -(-(left + fine.shape[1]) // PHASES) - x0
        height = -(-(top + fine.shape[0]) // PHASES) - y0
        padded = np.zeros((height * PHASES, width * PHASES), np.float32)
        padded[top - y0 * PHASES :, left - x0 * PHASES :][: fine.shape[0], : fine.shape[1]] = fine
        coarse = padded.reshape(height, PHASES, width, PHASES).mean((1, 3))
        return x0, y0, np.rint(coarse).astype(np.uint8)

    def _fine(self, character: str, size: int) -> tuple[int, int, np.ndarray]:
        """Left and top, and coverage, at `PHASES` times the size."""
        font, shown = self._typeface.at(size * PHASES), self._typeface.known(character)
        mask, (left, top) = font.getmask2(shown, mode="L", anchor="ls")
        return left, top, np.array(mask, np.uint8).reshape(mask.size[::-1])
