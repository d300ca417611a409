"""Row ``start``: from the start of the process to the first frame with a picture, beside napari showing an image.

Both are real windows on the display of ``DISPLAY``; the clock starts before the interpreter does and stops when the
frame with the picture is on the screen: ours tells so itself, napari's GL queue is emptied first. napari pins another
VisPy, so it has an environment of its own: name its interpreter in ``NNSCOPE_NAPARI_PYTHON`` when it can't be imported
here.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved, missing

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL = Goal(0.6)

_OURS = """
import sys
from nnscope.app import run
def drawn():
    print("drawn", flush=True)
    from PyQt6.QtWidgets import QApplication
    QApplication.quit()
sys.exit(run(["demo:digits-cnn"], on_first_picture=drawn))
"""

_NAPARI = """
import numpy as np, napari
viewer = napari.Viewer()
viewer.add_image(np.random.default_rng(0).random((64, 64), np.float32))
def drawn(event):
    from OpenGL.GL import glFinish
    glFinish()
    print("drawn", flush=True)
    from qtpy.QtWidgets import QApplication
    QApplication.quit()
viewer.window._qt_viewer.canvas._scene_canvas.events.draw.connect(drawn, position="last")
napari.run()
"""


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    if not os.environ.get("DISPLAY"):
        return [missing("start", "first frame with a picture", "no DISPLAY: run under Xvfb", GOAL)]
    napari = _napari_python()
    if napari is None:
        return [missing("start", "first frame with a picture", "napari is not installed (extra bench)", GOAL)]
    ours, peer = _timer(sys.executable, _OURS), _timer(napari, _NAPARI)
    times = interleaved(ours, peer, 2 if quick else REPEATS)
    return [compared("start", "first frame with a picture", times, GOAL, f"napari {_version(napari)}")]


def _napari_python() -> str | None:
    named = os.environ.get("NNSCOPE_NAPARI_PYTHON")
    return named or (sys.executable if importlib.util.find_spec("napari") else None)


def _version(python: str) -> str:
    code = "from importlib.metadata import version as v; print(v('napari'), 'with VisPy', v('vispy'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _timer(python: str, code: str) -> Callable[[], float]:
    def once() -> float:
        start = time.perf_counter()
        child = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout is not None
        line = child.stdout.readline()
        elapsed = time.perf_counter() - start
        _, errors = child.communicate(timeout=60)
        if line.strip() != "drawn":
            raise RuntimeError(f"no picture was drawn:\n{errors[-2000:]}")
        return elapsed

    return once
