"""What the window needs of a canvas. `nnscope.app` hands one in; this room does not know what draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nnscope.gui.status.rate import FrameRate

if TYPE_CHECKING:
    import numpy as np
    from PyQt6.QtCore import pyqtBoundSignal
    from PyQt6.QtWidgets import QWidget

    from nnscope.core.frame import Frame
    from nnscope.scene.controller import Controller


class Canvas(Protocol):
    """Draws frames in a widget of its own, and into arrays."""

    @property
    def native(self) -> QWidget:
        """The widget. It stays where it is put first: moved elsewhere, a GL context of its own would die."""
        ...

    @property
    def painted(self) -> pyqtBoundSignal:
        """A frame is on the screen."""
        ...

    @property
    def renderer(self) -> str:
        """What OpenGL runs on; empty before the first frame."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ...

    def redraw(self) -> None:
        """Draw again soon."""
        ...

    def picture(self, frame: Frame) -> np.ndarray:
        """The frame's pixels [height, width, RGBA], drawn by the renderer of the widget.

        Raises
        ------
        NnscopeError
            If the frame is too large, or the widget was never shown.
        """
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class FrameSource:
    """Where the canvas gets its frames: the controller's, counted, and held still while a picture is being saved."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.rate = FrameRate()
        self.held = False
        self._last: Frame | None = None

    @property
    def has_picture(self) -> bool:
        """Whether the frame given last has a picture in it."""
        return self._last is not None and any(pane.pictured for pane in self._last.panes)

    def frame(self, width: int, height: int, scale: float) -> Frame:
        """The frame to draw at this size in device pixels."""
        self.rate.tick()
        last = self._last
        if self.held and last is not None and (last.width, last.height, last.scale) == (width, height, scale):
            return last
        self._last = self._controller.frame(width, height, scale)
        return self._last
