"""Pictures without a display: the same pixels as with one, no Qt, and plain words where OpenGL is missing."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.errors import NnscopeError
from nnscope.render import egl
from nnscope.render.offscreen import Offscreen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gl

# The frame that both ways must draw alike: values, states, numbers, axes, legend, two panes.
SAMPLE = """
import numpy as np
from nnscope.core.frame import *
from nnscope.core.legend import Legend
from tests.render import building

def sample():
    values = building.centred_values(building.linear(), (300, 310))
    states = np.random.default_rng(3).choice(5, values.shape, p=[.8, .05, .05, .05, .05]).astype(np.uint8)
    panes = []
    for x, zoom, norm in ((0, 1.7, building.linear()), (501, 45.3, building.linear(-2, 1))):
        rect = Rect(x, 0, 500, 420)
        left, top, right, bottom = margins(rect)
        picture = Rect(x + left, top, 500 - left - right, 420 - top - bottom)
        legend = Legend("t", norm, nan=3, scientific=x > 0, faithful=False, notes=("A note of some length.",))
        ticks = AxisTicks("axis", tuple((i + 0.5, str(i)) for i in range(0, 300, 20 if zoom < 9 else 1)))
        numbers = CellNumbers(145, 150, (("1.25", "-3"), ("0.5", "7"))) if zoom > 9 else None
        panes.append(PaneFrame(rect, picture, values.shape, Camera2D(152.3, 148.7, zoom),
            building.tiles(values, states), norm, building.style(), legend, ticks, ticks, numbers,
            (Marker(147, 151), Marker(140, 150, 4, "pin")), (25, 10), "layer.weight", "300 x 310", active=x > 0))
    return Frame(1001, 420, tuple(panes), DARK, 1.0)
"""

HEADLESS = """
import sys
class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PyQt6", "PyQt5", "PySide6", "PySide2", "OpenGL"):
            raise AssertionError(f"imported {name}")
sys.meta_path.insert(0, NoQt())
from nnscope.render.offscreen import render_offscreen
np.save(sys.argv[1], render_offscreen(sample()))
"""

WINDOW = """
import sys
from PyQt6.QtWidgets import QApplication
application = QApplication([])
from nnscope.render.canvas import FrameCanvas
errors = []
canvas = FrameCanvas(lambda width, height, scale: sample(), errors.append)
canvas.native.resize(1001, 420)
canvas.native.show()
for _ in range(20):
    application.processEvents()
assert not errors, errors
image = canvas.native.grabFramebuffer().convertToFormat(canvas.native.grabFramebuffer().Format.Format_RGBA8888)
bits = image.constBits()
bits.setsize(image.sizeInBytes())
shown = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()]
np.save(sys.argv[1], np.stack((shown, canvas.picture(sample()))))
canvas.close()
"""


def _run(code: str, path: Path, **environment: str) -> np.ndarray:
    """What a fresh Python draws; DISPLAY is unset unless given."""
    surroundings = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | environment
    command = [sys.executable, "-c", SAMPLE + code, str(path)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    drawn: np.ndarray = np.load(path)
    return drawn


def test_without_display_qt_and_pyopengl(tmp_path: Path) -> None:
    pixels = _run(HEADLESS, tmp_path / "headless.npy")
    assert pixels.shape == (420, 1001, 4)
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 300


@pytest.mark.gui
def test_window_and_offscreen_have_the_same_pixels(tmp_path: Path) -> None:
    headless = _run(HEADLESS, tmp_path / "headless.npy")
    display = {k: os.environ[k] for k in ("DISPLAY", "XAUTHORITY") if k in os.environ}
    shown, read = _run(WINDOW, tmp_path / "window.npy", **display)
    assert (read == headless).all()
    assert (shown == headless).all()


def test_a_dead_display_does_not_matter(tmp_path: Path) -> None:
    assert _run(HEADLESS, tmp_path / "dead.npy", DISPLAY=":4711").shape == (420, 1001, 4)


def test_limits_as_json_from_a_child_process() -> None:
    command = [sys.executable, "-m", "nnscope.render.limits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    info = json.loads(done.stdout)
    assert set(info) == {
        "renderer",
        "vendor",
        "version",
        "glsl",
        "max_texture_size",
        "max_3d_texture_size",
        "software",
    }


def _no_library(name: str) -> Any:
    raise OSError(f"{name}: cannot open shared object file")


def test_missing_egl_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", _no_library)
    with pytest.raises(NnscopeError, match=r"libEGL\.so\.1 is missing.*libegl1"):
        Offscreen()


def test_missing_driver_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def __getattr__(self, name: str) -> Any:
            def function(*args: object) -> int:
                return 0

            return function

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Nothing())
    with pytest.raises(NnscopeError, match="libgl1-mesa-dri"):
        Offscreen()


def test_missing_libgl_names_the_package(tmp_path: Path) -> None:
    code = """
from nnscope.core.errors import NnscopeError
from nnscope.render.offscreen import render_offscreen
from nnscope.core.frame import Frame
import numpy, sys
try:
    render_offscreen(Frame(5, 5))
except NnscopeError as error:
    numpy.save(sys.argv[1], numpy.array(str(error)))
"""
    sentence = str(_run(code, tmp_path / "sentence.npy", VISPY_GL_LIB="libnothing.so.7"))
    assert "libgl1" in sentence


def test_other_systems_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egl.sys, "platform", "darwin")
    with pytest.raises(NnscopeError, match="Linux only"):
        Offscreen()


def test_closing_twice_is_fine_and_nothing_stays_current() -> None:
    screen = Offscreen()
    with screen.renderer():
        pass
    screen.close()
    screen.close()
    library = ctypes.CDLL("libEGL.so.1")
    library.eglGetCurrentContext.restype = ctypes.c_void_p
    assert library.eglGetCurrentContext() is None
