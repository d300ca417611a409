"""A real window on a real display: the composition root's own, with files made for the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PyQt6.QtCore import Qt
    from PyQt6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot

    from nnscope.gui.main_window import MainWindow

PATIENCE = 10_000  # ms that anything may take on a busy machine


class Bench:
    """A window and what tests do with it."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self.controller = window.controller
        self.qtbot = qtbot

    def until(self, condition: Callable[[], object]) -> None:
        """Let the event loop run until ``condition()`` is true."""
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)

    def open(self, path: object) -> str:
        """Open a file and wait until its first picture is drawn; the source's key."""
        self.window.open_paths([str(path)])
        self.until(lambda: str(path) in self.controller.library.sources)
        self.settle()
        return str(path)

    def show(self, address: str) -> None:
        """Show a tensor of the active pane's source and wait for its picture."""
        self.window.show_tensor(self.controller.workspace.pane.source, address)
        self.settle()

    def press(self, key: Qt.Key, widget: QWidget | None = None) -> None:
        """Press a key, with the window active as shortcuts need it: without a window manager it may lose the focus."""
        self.window.activateWindow()
        self.until(self.window.isActiveWindow)
        self.qtbot.keyClick(widget or self.window, key)

    def space(self, pane: int | None = None) -> Any:
        """The picture of three dimensions that a pane last drew, as it is looked at; None for none."""
        drawn = self.controller.drawn(pane)
        return None if drawn is None else drawn.composed.frame.space

    def view(self, name: str) -> None:
        """Choose a view of three dimensions for the tensor that is shown, and wait for its picture."""
        self.window.commands.view.choose_view(name)
        self.settle()
        self.until(lambda: self.space() is not None)

    def hover(self, x: int, y: int) -> Any:
        """Hold the pointer over the canvas until what is there is told; the answer.

        The pointer is moved again while it is waited for: a display of many windows may send one that leaves.
        """
        from PyQt6.QtCore import QPoint

        native, told = self.window.canvas.native, self.controller._hover

        def answered() -> bool:
            if told.current is None or told.current.answer is None:
                self.qtbot.mouseMove(native, QPoint(x - 1, y))
                self.qtbot.mouseMove(native, QPoint(x, y))
            return told.current is not None and told.current.answer is not None

        self.until(answered)
        assert told.current is not None
        return told.current.answer

    def settle(self) -> None:
        """Wait until nothing is under way and the last state is on the screen."""
        self.window.canvas.redraw()
        self.qtbot.wait(20)
        self.until(lambda: self.controller.settled and self._drawn())
        self.window.presenter.refresh()  # the inspector follows the canvas at a slower pace

    def forget(self) -> None:
        """Hold on to the window no more."""
        self.window = self.controller = None  # type: ignore[assignment]

    def _drawn(self) -> bool:
        drawn, pane = self.controller.drawn(), self.controller.workspace.pane
        return drawn is None or not pane.address or self.controller.in_time

    def rows(self) -> list[str]:
        """Texts of the first column of all rows, opened or not."""
        model = self.window.tree.model
        found: list[str] = []

        def walk(parent: object) -> None:
            for row in range(model.rowCount(parent)):
                index = model.index(row, 0, parent)
                found.append(index.data())
                walk(index)

        from PyQt6.QtCore import QModelIndex

        walk(QModelIndex())
        return found

    def cell(self, row: int, col: int, pane: int = 0) -> tuple[float, float]:
        """The middle of a level-0 cell in logical pixels of the canvas."""
        drawn = self.controller.drawn(pane)
        assert drawn is not None
        camera, area = drawn.composed.camera, drawn.picture
        assert camera is not None
        x = area.x + area.w / 2 + (col + 0.5 - camera.x) * camera.zoom
        y = area.y + area.h / 2 + (row + 0.5 - camera.y) * camera.zoom
        ratio = self.window.devicePixelRatioF()
        return x / ratio, y / ratio


@pytest.fixture(scope="session", autouse=True)
def shader_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each test has caches of its own, but the driver may keep its compiled shaders from window to window."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESA_SHADER_CACHE_DIR", str(tmp_path_factory.mktemp("shaders")))
        yield


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    """A window on the welcome page."""
    from PyQt6 import sip

    from nnscope.app import build_window
    from nnscope.gui.application import make_application

    make_application()
    made = Bench(build_window(), qtbot)
    made.window.resize(1200, 800)
    with qtbot.waitActive(made.window, timeout=PATIENCE):  # shortcuts need the active window
        made.window.show()
        made.window.activateWindow()
    yield made
    if not (made.window is None or sip.isdeleted(made.window)):
        made.window.close()


@pytest.fixture
def volume(bench: Bench, checkpoint: Path) -> Bench:
    """A window that shows a tensor of five axes as a volume of its last three: 40 × 30 × 20."""
    bench.open(checkpoint)
    bench.show("stack")
    bench.view("volume")
    return bench


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small safetensors file with a matrix, a kernel, odd values and a hostile name."""
    from safetensors.numpy import save_file

    rng = np.random.default_rng(7)
    odd = rng.normal(size=(6, 8)).astype(np.float32)
    odd[0, :3] = np.nan, np.inf, -np.inf
    arrays = {
        "enc.0.weight": rng.normal(size=(24, 32)).astype(np.float32),
        "enc.0.bias": np.linspace(0, 1, 32, dtype=np.float32),
        "enc.10.weight": rng.normal(size=(8, 8)).astype(np.float16),
        "enc.2.kernel": rng.normal(size=(4, 3, 5, 5)).astype(np.float32),
        "stack": rng.normal(size=(2, 3, 40, 30, 20)).astype(np.float32),
        "odd": odd,
        HOSTILE: np.eye(3, dtype=np.float32),
    }
    file = tmp_path / "model.safetensors"
    save_file(arrays, file)
    return file


HOSTILE = "<img src=x>\u202e\x1b[2J&b"
