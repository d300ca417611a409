"""The window's canvas: a Qt widget, made by VisPy, that asks for a frame each time it is painted and draws it.

Nothing of Qt is imported here. Mouse and keyboard are the window's business: it filters the widget's own events, which
VisPy would thin out. The widget should stay in the window it is put in first; if Qt gives it a new context all the
same, drawing starts afresh there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vispy import app

from nnscope.core.errors import NnscopeError
from nnscope.render.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from nnscope.core.frame import Frame


class FrameCanvas:
    """Draws frames in a widget of its own, and into arrays.

    Parameters
    ----------
    source : callable
        Gives the frame for a width, a height (device pixels) and a scale (device pixels per logical pixel).
    on_error : callable
        Gets what went wrong while a frame was made or drawn. VisPy would write it into its log and say nothing.
    """

    def __init__(self, source: Callable[[int, int, float], Frame], on_error: Callable[[Exception], None]) -> None:
        self._source = source
        self._on_error = on_error
        self._renderer: Renderer | None = None
        self._driver = ""
        self._closed = False
        # A given dpi spares a look at the screen with two programs; Qt shows the framebuffer, so nothing is swapped.
        self._canvas: Any = app.Canvas(app="pyqt6", autoswap=False, dpi=96, size=(640, 480))
        self._canvas.events.initialize.connect(self._start)
        self._canvas.events.resize.connect(self._forget)
        # Qt keeps the framebuffer from one frame to the next, so that only what changed is drawn.
        self.native.setUpdateBehavior(self.native.UpdateBehavior.PartialUpdate)
        self._painted: int | None = None  # the framebuffer that holds what was painted last
        # PyQt looks for overrides on the instance, too. VisPy's own paintGL would swallow exceptions, and clear the
        # opacity of all pixels after each frame, which takes as long as a tenth of the frame.
        self.native.paintGL = self._paint

    @property
    def native(self) -> Any:
        """The QWidget."""
        return self._canvas.native

    @property
    def painted(self) -> Any:
        """Qt's signal that a frame is on the screen."""
        return self.native.frameSwapped

    @property
    def renderer(self) -> str:
        """What OpenGL runs on; empty before the first frame."""
        return self._driver

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in device pixels, rounded as Qt rounds those of the framebuffer."""
        widget = self.native
        ratio = widget.devicePixelRatioF()
        return int(widget.width() * ratio + 0.5), int(widget.height() * ratio + 0.5)

    def redraw(self) -> None:
        """Draw again soon; many calls before that make one frame."""
        if not self._closed:
            self._canvas.update()

    def picture(self, frame: Frame) -> np.ndarray:
        """The pixels of a frame of any size, drawn as in the window: uint8, shape (height, width, 4), opaque.

        Raises
        ------
        NnscopeError
            If the widget was never shown, or the frame is too large.
        """
        if self._closed or not self.native.isValid():
            raise NnscopeError("There is no picture yet: the canvas has not been shown.")
        self._canvas.set_current()
        with self._drawing() as renderer:
            renderer.draw(frame)
            return renderer.read()

    def close(self) -> None:
        """Free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._renderer is not None and self.native.isValid():
            self._canvas.set_current()
            self._renderer.close()
        self._renderer = None
        del self.native.paintGL  # the last reference from the widget to here
        self._canvas.close()

    @contextmanager
    def _drawing(self) -> Iterator[Renderer]:
        """The renderer; after a failure a new one is made, because what it had sent to the GPU is uncertain."""
        if self._renderer is None:
            self._renderer = Renderer()
            self._driver = self._renderer.driver
        try:
            yield self._renderer
        except Exception:
            self._canvas.context.glir.clear()
            self._renderer.close()
            self._renderer = None
            raise

    def _start(self, event: object) -> None:
        """A new context: what belonged to the one before is gone, and must not be deleted by its old numbers."""
        del event
        if self._renderer is not None:
            shared = self._canvas.context.shared
            shared.parser = type(shared.parser)()
            self._canvas.context.glir.clear()
            self._renderer = None
            self._painted = None

    def _forget(self, event: object) -> None:
        """A new size means a new framebuffer, though perhaps by the same number."""
        del event
        self._painted = None

    def _paint(self) -> None:
        if self._closed:
            return
        self._canvas.set_current()
        width, height = self.size
        buffer, before, self._painted = self.native.defaultFramebufferObject(), self._painted, None
        try:
            frame = self._source(width, height, self.native.devicePixelRatioF())
            with self._drawing() as renderer:
                renderer.paint(frame, kept=before == buffer)
            self._painted = buffer
        except Exception as error:
            self._on_error(error)
