"""Getting ready while nothing is asked of the canvas."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QObject

from nnscope.core.errors import NnscopeError
from nnscope.gui.warming import Warming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from tests.gui.conftest import Bench

pytestmark = pytest.mark.gui


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnscope.gui.warming.REST", 0)
    monkeypatch.setattr("nnscope.gui.warming.PAUSE", 0)


def test_loads_beside_and_steps_on_the_windows_thread(qtbot: QtBot) -> None:
    seen: list[tuple[str, str]] = []

    def note(what: str) -> None:
        seen.append((what, threading.current_thread().name))

    def steps() -> Iterator[None]:
        for number in range(3):
            note(str(number))
            yield

    parent = QObject()
    warming = Warming(parent, lambda: note("load"), steps)
    qtbot.waitUntil(lambda: len(seen) == 4)
    here = threading.current_thread().name
    assert seen == [("load", "nnscope-warming"), ("0", here), ("1", here), ("2", here)]
    warming.stop()


def test_what_can_not_be_prepared_is_left(qtbot: QtBot) -> None:
    tried = []

    def steps() -> Iterator[None]:
        tried.append(1)
        raise NnscopeError("no OpenGL")
        yield

    parent = QObject()
    warming = Warming(parent, lambda: None, steps)
    qtbot.waitUntil(lambda: bool(tried))
    qtbot.wait(20)
    assert tried == [1]
    warming.stop()


@pytest.mark.gl
def test_the_welcome_page_leaves_the_canvas_ready(bench: Bench) -> None:
    canvas = bench.window.canvas
    assert not bench.window.central.on_canvas
    bench.until(lambda: "llvmpipe" in canvas.renderer)


@pytest.mark.gl
def test_every_preparing_frame_can_be_drawn() -> None:
    from nnscope.render.offscreen import Offscreen

    with Offscreen() as screen:
        steps = list(screen.warm_up())
        assert len(steps) == 6
        assert screen.driver
