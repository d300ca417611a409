"""Row ``tiles``: a heat map at 1280×800 with 20 or more visible tiles, one new tile per frame.

Offscreen each frame ends in a read-back; in the window each is a paint of the real canvas under the display of
``DISPLAY``, driven as fast as it goes, the last one read back. The gate compares one drawn picture with NumPy, pixel by
pixel.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np

from nnscope.compute.colour import colour_style
from nnscope.core.frame import DARK, Camera2D, Frame, PaneFrame, PlacedTile, Rect
from nnscope.core.legend import Legend, Normalisation
from nnscope.core.picture import TILE, Tile
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, missing

WIDTH, HEIGHT = 1280, 800
ROWS, COLS = 4, 6
LINEAR = Normalisation("linear", "identity", 0.0, 1.0, -1.0, 1.0)
FRAMES = 60


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    repeats, frames = (2, 10) if quick else (REPEATS, FRAMES)
    return [_offscreen(repeats, frames), _window(repeats, frames)]


class _Scene:
    """Frames in which one tile after another is replaced by a new one."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.values = rng.uniform(-1.2, 1.2, (64, TILE, TILE)).astype(np.float32)
        self.states = np.zeros((TILE, TILE), np.uint8)
        self.count = 0
        self.tiles = [self._tile(r, c) for r in range(ROWS) for c in range(COLS)]
        rect = Rect(0, 0, WIDTH, HEIGHT)
        camera = Camera2D(COLS * TILE / 2, ROWS * TILE / 2, 1.0)
        legend = Legend("weights", LINEAR, scientific=True)
        self.pane = PaneFrame(
            rect,
            rect,
            (ROWS * TILE, COLS * TILE),
            camera,
            normalisation=LINEAR,
            style=colour_style("viridis"),
            legend=legend,
            title="weights",
        )

    def next(self) -> Frame:
        place = self.count % len(self.tiles)
        self.tiles[place] = self._tile(place // COLS, place % COLS)
        return Frame(WIDTH, HEIGHT, (replace(self.pane, tiles=tuple(self.tiles)),), DARK)

    def _tile(self, row: int, col: int) -> PlacedTile:
        self.count += 1
        return PlacedTile(("tile", self.count), 0, Tile(row, col, self.values[self.count % 64], self.states))

    def check(self, image: np.ndarray) -> None:
        """The middle of the picture, far from its furniture, against NumPy."""
        left, top = COLS * TILE // 2 - WIDTH // 2, ROWS * TILE // 2 - HEIGHT // 2
        whole = np.block([[self.tiles[r * COLS + c].tile.values for c in range(COLS)] for r in range(ROWS)])
        window = whole[top + 300 : top + 500, left + 300 : left + 700].astype(np.float64)
        u = (window + 1) / 2
        style = self.pane.style
        assert style is not None
        expected = style.lut[np.clip(np.floor(u * 256), 0, 255).astype(int), :3]
        expected = np.where(u[..., None] < 0, style.under, np.where(u[..., None] > 1, style.over, expected))
        wrong = np.any(image[300:500, 300:700, :3] != expected, axis=-1).mean()
        assert wrong < 1e-3, f"{wrong:.2%} of the pixels are wrong"  # ties between two colours may fall either way


def _offscreen(repeats: int, frames: int) -> Result:
    from nnscope.render.offscreen import Offscreen

    scene = _Scene()
    with Offscreen() as screen:
        scene.check(screen.draw(scene.next()))
        rates = []
        for _ in range(repeats):
            start = time.perf_counter()
            for _ in range(frames):
                screen.draw(scene.next())
            rates.append(frames / (time.perf_counter() - start))
    return absolute("tiles", "offscreen", rates, Goal(100, at_least=True), "fps", f"{ROWS * COLS} tiles, read back")


def _window(repeats: int, frames: int) -> Result:
    goal = Goal(45, at_least=True)
    if not os.environ.get("DISPLAY"):
        return missing("tiles", "in the window", "no DISPLAY: run under Xvfb", goal)
    from PyQt6.QtWidgets import QApplication

    from nnscope.app import make_canvas

    app = QApplication.instance() or QApplication([])
    scene, errors, painted = _Scene(), [], []
    canvas = make_canvas(lambda w, h, s: scene.next(), errors.append)
    canvas.painted.connect(lambda: painted.append(1))
    canvas.native.resize(WIDTH, HEIGHT)
    canvas.native.show()
    rates = []
    for _ in range(repeats + 1):
        painted.clear()
        start = time.perf_counter()
        while len(painted) < frames:
            asked = len(painted)
            canvas.redraw()
            while len(painted) == asked:
                app.processEvents()
        rates.append(frames / (time.perf_counter() - start))
        scene.check(canvas.picture(scene.next()))
    canvas.close()
    canvas.native.close()
    assert not errors, errors
    note = f"{type(canvas).__name__}, paints as fast as they go"
    return absolute("tiles", "in the window", rates[1:], goal, "fps", note)
