"""Saving and copying the picture of the canvas, at any size.

The picture is drawn by the canvas' own renderer from the controller's frame, so a picture of the canvas' size equals
the screen pixel for pixel (promise P21). At another size other tiles may be needed: the canvas is held still while they
come, then the picture is drawn; encoding and writing happen in a thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QRunnable, QThreadPool, pyqtSignal
from PyQt6.QtWidgets import QApplication, QProgressDialog, QWidget

from nnscope.core.errors import Failure, NnscopeError
from nnscope.export.image import picture_metadata, write_png
from nnscope.gui.images import as_image
from nnscope.gui.timers import every

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from nnscope.core.frame import Frame
    from nnscope.gui.canvas import Canvas, FrameSource
    from nnscope.scene.controller import Controller

POLL = 30  # ms between two looks whether all tiles are there
PATIENCE = 200  # ms before progress is shown


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to save, and how much larger than on screen it is drawn."""

    path: str
    width: int
    height: int
    scale: float
    magnify: float


class PictureSaver(QObject):
    """One picture at a time. ``saved`` carries the path, ``failed`` a `Failure`."""

    saved = pyqtSignal(str)
    failed = pyqtSignal(object)
    _written = pyqtSignal(str, object)

    def __init__(self, controller: Controller, canvas: Canvas, frames: FrameSource, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._canvas = canvas
        self._frames = frames
        self._window = window
        self._wanted: Wanted | None = None
        self._progress: QProgressDialog | None = None
        self._pool = QThreadPool(self)
        self._timer = every(self, POLL, self._look)
        self._written.connect(self._told)

    @property
    def screen_size(self) -> tuple[int, int]:
        """The canvas' size in device pixels."""
        return self._canvas.size

    @property
    def suggested_name(self) -> str:
        """A file name made from the address."""
        name = re.sub(r"[^\w.-]+", "-", self._controller.workspace.pane.address)[:80].strip("-.")
        return f"{name or 'picture'}.png"

    def save(self, path: str, width: int, height: int) -> None:
        """Save the picture at exactly this size, as soon as all of it is there."""
        across, down = self.screen_size
        magnify = 1.0 if (width, height) == (across, down) else min(width / across, height / down)
        scale = self._canvas.native.devicePixelRatioF() * magnify
        self._finish()
        self._wanted = Wanted(path, width, height, scale, magnify)
        self._frames.held = True
        self._progress = self._make_progress()
        self._timer.start()
        self._look()

    def copy(self) -> None:
        """The picture as it is on screen, to the clipboard."""
        width, height = self.screen_size
        frame = self._controller.frame(width, height, self._canvas.native.devicePixelRatioF())
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setImage(as_image(self._canvas.picture(frame)))

    @property
    def busy(self) -> bool:
        """Whether a picture waits for its parts."""
        return self._wanted is not None

    def cancel(self) -> None:
        """Not wanted any more; nothing is left behind."""
        self._finish()

    def stop(self) -> None:
        """Drop what waits, and let a file that is being written be finished."""
        self._finish()
        self._pool.waitForDone()

    def _look(self) -> None:
        """Ask for the frame; draw it once nothing is missing any more."""
        wanted = self._wanted
        if wanted is None:
            return
        frame = self._controller.frame(wanted.width, wanted.height, wanted.scale, wanted.magnify)
        if not self._controller.settled:
            return
        try:
            rgba = self._canvas.picture(frame)
        except NnscopeError as error:
            self.failed.emit(Failure.of(error))
        else:
            self._write(wanted.path, rgba, self._metadata(frame))
        self._finish()

    def _finish(self) -> None:
        self._timer.stop()
        self._wanted = None
        self._frames.held = False
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.canceled.disconnect(self.cancel)  # closing it counts as cancelling
            progress.close()
            progress.deleteLater()
        self._controller.redraw.emit()  # positions on screen hold again

    def _metadata(self, frame: Frame) -> dict[str, str]:
        controller = self._controller
        drawn = [d for d in map(controller.drawn, range(len(frame.panes))) if d is not None]
        addresses = tuple(d.resolved.info.address for d in drawn)
        recipe = drawn[0].resolved.recipe(drawn[0].composed.picture) if drawn else ()
        return picture_metadata(addresses, recipe, controller.workspace.state.scientific)

    def _write(self, path: str, rgba: np.ndarray, metadata: dict[str, str]) -> None:
        def work() -> None:
            try:
                write_png(path, rgba, metadata)
            except NnscopeError as error:
                self._written.emit(path, Failure.of(error))
            else:
                self._written.emit(path, None)

        self._pool.start(_Task(work))

    def _told(self, path: str, failure: Failure | None) -> None:
        if failure is None:
            self.saved.emit(path)
        else:
            self.failed.emit(failure)

    def _make_progress(self) -> QProgressDialog:
        progress = QProgressDialog("Reading the parts of the picture …", "Cancel", 0, 0, self._window)
        progress.setWindowTitle("Save picture")
        progress.setMinimumDuration(PATIENCE)
        progress.canceled.connect(self.cancel)
        return progress


class _Task(QRunnable):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    def run(self) -> None:
        self._work()
