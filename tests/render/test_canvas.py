"""The canvas widgets, one that OpenGL draws in and one that shows an image.

Each draws what its source gives, tells of failures, survives a new context and leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.app import make_canvas
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT, Camera2D, Frame, Marker, Rect
from tests.render import building

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PyQt6.QtGui import QImage
    from pytestqt.qtbot import QtBot

    from nnscope.gui.canvas import Canvas

pytestmark = [pytest.mark.gl, pytest.mark.gui]


class Source:
    """Gives frames with a heat map, and counts them."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, float]] = []
        self.error: Exception | None = None
        self.theme = DARK
        self.markers: tuple[Marker, ...] = ()
        self._values = building.centred_values(building.linear(), (50, 60))

    def __call__(self, width: int, height: int, scale: float) -> Frame:
        self.asked.append((width, height, scale))
        if self.error is not None:
            raise self.error
        picture = Rect(20, 20, max(width - 40, 1), max(height - 40, 1))
        shown = building.pane((50, 60), building.tiles(self._values), Camera2D(30, 25, 4.4), picture)
        return Frame(width, height, (replace(shown, markers=self.markers),), self.theme, scale)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def errors() -> list[Exception]:
    return []


@pytest.fixture(params=["opengl", "image"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def canvas(qtbot: QtBot, source: Source, errors: list[Exception], kind: str) -> Iterator[Canvas]:
    made = make_canvas(source, errors.append, kind)
    made.native.resize(320, 240)
    made.native.show()
    qtbot.waitUntil(lambda: bool(source.asked) or bool(errors))
    yield made
    made.close()
    made.native.deleteLater()


def _shown(canvas: Canvas) -> np.ndarray:
    return _array(canvas.native.grabFramebuffer())


def _array(image: QImage) -> np.ndarray:
    image = image.convertToFormat(image.Format.Format_RGBA8888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width()].copy()


def test_it_shows_the_frame_of_its_size(canvas: Canvas, source: Source, errors: list[Exception]) -> None:
    from nnscope.render.offscreen import render_offscreen

    shown = _shown(canvas)
    assert errors == []
    assert set(source.asked) == {(320, 240, 1.0)}
    assert canvas.size == (320, 240)
    assert (shown == render_offscreen(source(320, 240, 1.0))).all()
    assert "llvmpipe" in canvas.renderer


def test_pictures_of_another_size_leave_the_window_alone(canvas: Canvas, source: Source) -> None:
    from nnscope.render.offscreen import render_offscreen

    before = _shown(canvas)
    frame = source(701, 502, 2.0)
    assert (canvas.picture(frame) == render_offscreen(frame)).all()
    assert (_shown(canvas) == before).all()


def test_resizing_asks_for_another_frame(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    canvas.native.resize(400, 300)
    qtbot.waitUntil(lambda: source.asked[-1] == (400, 300, 1.0))
    assert _shown(canvas).shape == (300, 400, 4)


def test_many_redraws_make_one_frame(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    qtbot.wait(20)
    source.asked.clear()
    for _ in range(100):
        canvas.redraw()
    qtbot.waitUntil(lambda: bool(source.asked))
    qtbot.wait(20)
    assert len(source.asked) <= 2


def test_failures_of_the_source_are_told(canvas: Canvas, source: Source, errors: list[Exception], qtbot: QtBot) -> None:
    source.error = ValueError("no frame")
    canvas.redraw()
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0] is source.error
    source.error = None
    errors.clear()
    assert (_shown(canvas)[100, 100] != 0).any()
    assert errors == []


def test_failures_while_drawing_are_told_and_mended(
    canvas: Canvas, source: Source, errors: list[Exception], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nnscope.render.tiles import TileLayer

    before = _shown(canvas)

    def fail(self: TileLayer, frame: Frame, surface: object) -> None:
        raise RuntimeError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(TileLayer, "draw", fail)
        source.theme = LIGHT
        canvas.redraw()
        qtbot.waitUntil(lambda: bool(errors))
        with pytest.raises(RuntimeError, match="lost"):
            canvas.picture(source(50, 50, 1.0))
    errors.clear()
    source.theme = DARK
    assert (_shown(canvas) == before).all()
    assert errors == []


def test_a_new_context_starts_afresh(canvas: Canvas, errors: list[Exception], qtbot: QtBot) -> None:
    """Qt gives the widget a new context when it moves to another window."""
    from PyQt6.QtWidgets import QMainWindow

    before = _shown(canvas)
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(canvas.native)
    window.resize(320, 240)
    window.show()
    qtbot.waitUntil(lambda: canvas.size == (320, 240) and canvas.native.isVisible())
    qtbot.wait(20)
    assert (_shown(canvas) == before).all()
    assert errors == []
    window.takeCentralWidget()


def test_window_and_offscreen_take_turns_in_one_thread(canvas: Canvas, source: Source) -> None:
    from nnscope.render.offscreen import Offscreen

    frame = source(200, 150, 1.0)
    with Offscreen() as screen:
        for theme in (DARK, LIGHT):
            other = Frame(frame.width, frame.height, frame.panes, theme, 1.0)
            assert (screen.draw(other) == canvas.picture(other)).all()
            _shown(canvas)


def test_a_canvas_never_shown_has_no_pictures(qtbot: QtBot, source: Source, kind: str) -> None:
    canvas = make_canvas(source, lambda error: None, kind)
    assert canvas.renderer == ""
    with pytest.raises(NnscopeError, match="not been shown"):
        canvas.picture(source(10, 10, 1.0))
    canvas.close()
    canvas.native.deleteLater()


def test_closing_twice_and_redrawing_afterwards_do_nothing(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    canvas.close()
    canvas.close()
    source.asked.clear()
    canvas.redraw()
    qtbot.wait(20)
    assert source.asked == []
    with pytest.raises(NnscopeError):
        canvas.picture(source(10, 10, 1.0))


def _on_screen(canvas: Canvas) -> np.ndarray:
    """What the display holds where the widget is."""
    screen = canvas.native.screen()
    assert screen is not None
    return _array(screen.grabWindow(canvas.native.winId()).toImage())


def test_the_display_follows_small_changes(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    """Only what changed is drawn and sent to the display; all of it must be right there."""
    from nnscope.render.offscreen import render_offscreen

    for marker in (Marker(10, 10), Marker(40, 50), Marker(25, 30, 4)):
        source.markers = (marker,)
        canvas.redraw()
        expected = render_offscreen(source(320, 240, 1.0))
        qtbot.waitUntil(lambda expected=expected: bool((_on_screen(canvas) == expected).all()))


def test_what_changed_while_hidden_is_shown(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    from nnscope.render.offscreen import render_offscreen

    qtbot.wait(20)
    canvas.native.hide()
    source.theme = LIGHT
    canvas.redraw()
    canvas.native.show()
    expected = render_offscreen(source(320, 240, 1.0))
    qtbot.waitUntil(lambda: bool((_on_screen(canvas) == expected).all()))


def test_growing_and_shrinking_back_draws_all_of_it(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    qtbot.wait(20)
    before = _on_screen(canvas)
    canvas.native.resize(400, 300)
    canvas.native.resize(320, 240)
    qtbot.wait(20)
    qtbot.waitUntil(lambda: bool((_on_screen(canvas) == before).all()))


def test_painting_is_told(canvas: Canvas, source: Source, qtbot: QtBot) -> None:
    source.theme = LIGHT
    with qtbot.waitSignal(canvas.painted):
        canvas.redraw()


@pytest.mark.parametrize(("devices", "kind"), [(True, "FrameCanvas"), (False, "ImageCanvas")])
def test_the_machine_decides_which(
    qtbot: QtBot, source: Source, monkeypatch: pytest.MonkeyPatch, devices: bool, kind: str
) -> None:
    monkeypatch.delenv("NNSCOPE_CANVAS", raising=False)
    monkeypatch.setattr("nnscope.app.may_have_graphics_card", lambda: devices)
    canvas = make_canvas(source, lambda error: None)
    assert type(canvas).__name__ == kind
    canvas.close()
    canvas.native.deleteLater()
