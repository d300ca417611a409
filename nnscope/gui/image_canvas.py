"""A canvas that shows what is drawn offscreen: the quick one where OpenGL runs on the processor.

There a `QOpenGLWidget` costs more than the drawing itself, since Qt has the processor compose the whole window anew for
every frame, and for every change beside the canvas too. Here the pixels that changed are copied into an image, and only
these are put on the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PyQt6 import sip
from PyQt6.QtCore import QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QPainter
from PyQt6.QtWidgets import QWidget

from nnscope.core.errors import NnscopeError
from nnscope.gui.timers import once
from nnscope.gui.warming import Warming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PyQt6.QtGui import QPaintEvent

    from nnscope.core.frame import Frame, Rect


class Screen(Protocol):
    """What draws: `nnscope.render.offscreen.Offscreen`."""

    @property
    def driver(self) -> str:
        """What OpenGL runs on."""
        ...

    def draw(self, frame: Frame) -> np.ndarray:
        """The pixels [height, width, RGBA] of a frame."""
        ...

    def refresh(self, frame: Frame, pixels: np.ndarray) -> Rect:
        """Bring pixels [height, width, BGRA] up to date; where they were written."""
        ...

    def warm_up(self) -> Iterator[None]:
        """Prepare for the first picture, step by step."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class ImageCanvas:
    """Draws frames in a widget of its own, and into arrays.

    Parameters
    ----------
    source : callable
        Gives the frame for a width, a height (device pixels) and a scale (device pixels per logical pixel).
    on_error : callable
        Gets what went wrong while a frame was made or drawn.
    make_screen : callable
        Makes what draws; called at the first frame, and again after a failure.
    load : callable
        Imports what that needs; called from a thread of its own when nothing was drawn for a while.
    """

    def __init__(
        self,
        source: Callable[[int, int, float], Frame],
        on_error: Callable[[Exception], None],
        make_screen: Callable[[], Screen],
        load: Callable[[], None],
    ) -> None:
        self._source = source
        self._on_error = on_error
        self._make_screen = make_screen
        self._screen: Screen | None = None
        self._closed = False
        self._native = _Surface(self)
        self._soon = once(self._native, 0, self.draw)
        self._warming = Warming(self._native, load, self._warm_up)
        self._behind = False  # a frame was asked for while the widget was hidden
        self._pixels = np.zeros((0, 0, 4), np.uint8)  # BGRA, what the widget shows
        self._image = QImage()  # in the same memory

    @property
    def native(self) -> _Surface:
        """The widget."""
        return self._native

    @property
    def painted(self) -> Any:
        """Qt's signal that a frame is on the screen."""
        return self._native.frameSwapped

    @property
    def renderer(self) -> str:
        """What OpenGL runs on; empty before the first frame."""
        return self._screen.driver if self._screen is not None else ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ratio = self._native.devicePixelRatioF()
        return int(self._native.width() * ratio + 0.5), int(self._native.height() * ratio + 0.5)

    def redraw(self) -> None:
        """Draw again soon; many calls before that make one frame."""
        if self._closed:
            return
        if self._native.isVisible():
            self._soon.start()
        else:
            self._behind = True

    def picture(self, frame: Frame) -> np.ndarray:
        """The pixels of a frame of any size, drawn as in the window: uint8, shape (height, width, 4), opaque.

        Raises
        ------
        NnscopeError
            If the widget was never shown, or the frame is too large.
        """
        if self._closed or self._image.isNull():
            raise NnscopeError("There is no picture yet: the canvas has not been shown.")
        try:
            return self._ready().draw(frame)
        except Exception:
            self._start_afresh()
            raise

    def image(self) -> QImage:
        """What the widget shows, drawn anew first if it has another size by now, or was hidden when it changed."""
        width, height = self.size
        if self._image.isNull():
            self.redraw()  # the first frame comes by itself, after what else the page needs to be shown
        elif not self._closed and (self._behind or self._pixels.shape[:2] != (height, width)):
            self.draw()
        return self._image

    def _warm_up(self) -> Iterator[None]:
        """Prepare for the first frame, until there is one."""
        for _ in self._ready().warm_up():
            if self._closed or not self._image.isNull():
                return
            yield

    def close(self) -> None:
        """Free everything. Idempotent."""
        self._closed = True
        self._soon.stop()
        self._warming.stop()
        if self._screen is not None:
            self._screen.close()
        self._screen = None

    def draw(self) -> None:
        """Draw a frame now; what changed is on the screen a turn of the event loop later."""
        if self._closed:
            return
        self._behind = False
        width, height = self.size
        try:
            frame = self._source(width, height, self._native.devicePixelRatioF())
            self._refresh(frame)
        except Exception as error:
            self._start_afresh()
            self._on_error(error)

    def _refresh(self, frame: Frame) -> None:
        screen = self._ready()
        if self._pixels.shape[:2] != (frame.height, frame.width):
            self._pixels = np.zeros((frame.height, frame.width, 4), np.uint8)
            memory: Any = sip.voidptr(self._pixels.ctypes.data)  # PyQt's stubs don't know of it
            self._image = QImage(memory, frame.width, frame.height, 4 * frame.width, QImage.Format.Format_RGB32)
        changed = screen.refresh(frame, self._pixels)
        ratio = self._native.devicePixelRatioF()
        place = QRect(changed.x, changed.y, changed.w, changed.h)
        self._native.update(place if ratio == 1 else _outwards(place, ratio))

    def _ready(self) -> Screen:
        if self._screen is None:
            self._screen = self._make_screen()
        return self._screen

    def _start_afresh(self) -> None:
        """After a failure what is on the GPU is uncertain."""
        if self._screen is not None:
            self._screen.close()
        self._screen = None


class _Surface(QWidget):
    """Shows the canvas' image. The signal tells that it did, one turn of the event loop later."""

    frameSwapped = pyqtSignal()  # noqa: N815 - the name it has in Qt's own OpenGL widget

    def __init__(self, canvas: ImageCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._told = once(self, 0, self.frameSwapped.emit)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.WheelFocus)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As large as a first window."""
        return QSize(640, 480)

    def grabFramebuffer(self) -> QImage:  # noqa: N802 - the name it has in Qt's own OpenGL widget
        """A copy of what a frame drawn now shows."""
        self._canvas.draw()
        return self._canvas.image().copy()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Copy what changed."""
        assert event is not None
        image = self._canvas.image()
        image.setDevicePixelRatio(self.devicePixelRatioF())
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        if image.isNull():  # nothing was drawn yet, or nothing can be, and that is told elsewhere
            painter.fillRect(self.rect(), self.palette().window())
        painter.drawImage(0, 0, image)
        painter.end()
        self._told.start()


def _outwards(place: QRect, ratio: float) -> QRect:
    """Logical pixels that cover a rectangle of device pixels."""
    left, top = int(place.left() / ratio), int(place.top() / ratio)
    right, bottom = -int(-(place.left() + place.width()) // ratio), -int(-(place.top() + place.height()) // ratio)
    return QRect(left, top, right - left, bottom - top)
