"""Row ``volume-drag``: a volume of 256³ voxels turned in the real window of 1000×800 under ``DISPLAY``.

Every move waits for the picture of the one before, as fast as pictures come: frames per second and the rays of each,
the time from the first move to its picture, and from the last one to the picture in full. Once as the window comes,
with panels on both sides of a narrow picture, and once with the panels closed. Gate: the picture at rest is, to the
pixel, the one of a renderer that never drew another.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.benchmarks.measure import Goal, Result, absolute, missing
from tests.benchmarks.row_volume import scenes

if TYPE_CHECKING:
    from tests.benchmarks.window import Window

WIDTH, HEIGHT = 1000, 800
FPS, FIRST, FULL = Goal(30, at_least=True), Goal(0.05), Goal(2.0)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    if not os.environ.get("DISPLAY"):
        return [missing("volume-drag", "in the window", "no DISPLAY: run under Xvfb", FPS)]
    from tests.benchmarks.window import Window

    with TemporaryDirectory() as folder:
        file = Path(folder) / "smooth.npy"
        np.save(file, scenes(64 if quick else 256)["smooth"])
        window = Window(Path(folder))
        try:
            window.window.resize(WIDTH, HEIGHT)
            window.open(str(file))
            window.window.commands.view.choose_view("volume")
            window.turns(lambda: window.controller.settled and _space(window) is not None)
            window.rest(1.0)
            count = (2, 10) if quick else (5, 30)
            narrow = _measured(window, *count, "as it comes")
            for panel in window.window.panels.values():
                panel.hide()
            window.rest(1.0)
            return [*narrow, *_measured(window, *count, "panels closed")]
        finally:
            window.close()


def _measured(window: Window, drags: int, moves: int, which: str) -> list[Result]:
    rays: list[float] = []
    rates, firsts, fulls = [], [], []
    for _ in range(drags):
        firsts.append(_move(window, rays))
        start = time.perf_counter()
        for _ in range(moves):
            _move(window, rays)
        rates.append(moves / (time.perf_counter() - start))
        start = time.perf_counter()
        window.turns(lambda: _space(window).quality == 1)
        fulls.append(time.perf_counter() - start)
        window.rest(0.3)
    _check(window)
    side, place = round(float(np.median(rays)) ** 0.5), window.controller.drawn().composed.frame.picture  # type: ignore[union-attr]
    note = f"{side}² rays a frame of {place.w} × {place.h} pixels; goal 384²"
    return [
        absolute("volume-drag", f"{which}: while dragging", rates, FPS, "fps", note),
        absolute("volume-drag", f"{which}: first frame", firsts, FIRST),
        absolute("volume-drag", f"{which}: in full", fulls, FULL, note="at rest the same pixels as drawn at once"),
    ]


def _move(window: Window, rays: list[float]) -> float:
    """Seconds from a move until a frame with it is on the screen."""
    before, start = _space(window).camera, time.perf_counter()
    window.window.motion.moved()
    window.controller.steering.turn(6.0, 1.0, 0)
    window.turns(lambda: _space(window).camera != before)
    spent = time.perf_counter() - start
    picture = window.controller.drawn().composed.frame.picture  # type: ignore[union-attr]
    rays.append(picture.w * picture.h / _space(window).quality ** 2)
    return spent


def _space(window: Window) -> Any:
    drawn = window.controller.drawn()
    return None if drawn is None else drawn.composed.frame.space


def _check(window: Window) -> None:
    from nnscope.render.offscreen import render_offscreen

    canvas = window.window.canvas
    frame = window.controller.frame(*canvas.size)
    assert (canvas.picture(frame) == render_offscreen(frame)).all(), "the picture at rest is another one"
