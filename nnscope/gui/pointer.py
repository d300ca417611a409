"""Mouse, wheel and gestures over the canvas, as calls of the controller in device pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QWheelEvent

from nnscope.scene.slicing import at_handle, dragged, tilted

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.core.cut import Cut
    from nnscope.gui.motion import Motion
    from nnscope.scene.controller import Controller

SLACK = 4.0  # logical pixels a click may slip before it is a drag
STEP = 1.2  # zoom by one notch of the wheel
NOTCH = 120.0  # what Qt counts for it


class Pointer(QObject):
    """Filters the events of the canvas' widget.

    Emits ``faced`` (pane, name of a standard view) for a click on a face of the little cube, and ``centred`` (pane,
    camera) for a double click on a voxel; ``clicked`` (x, y) in device pixels for a click on a picture.
    """

    faced = pyqtSignal(int, str)
    centred = pyqtSignal(int, object)
    clicked = pyqtSignal(float, float)

    def __init__(self, controller: Controller, widget: QWidget, motion: Motion) -> None:
        super().__init__(widget)
        self._controller = controller
        self._motion = motion
        self._widget = widget
        self._pressed: QPointF | None = None
        self._last: QPointF | None = None
        self._dragging = False
        self._turns = False
        self._cut: Cut | None = None  # the plane that is dragged
        self._tilts = False  # whether it turns about its middle
        self._pane: int | None = None
        self._over: QPointF | None = None  # where the pointer rests over the canvas
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Take what is ours; everything else goes on to the canvas."""
        if isinstance(event, QWheelEvent):
            self._wheel(event)
            return True
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        if event is not None and event.type() == QEvent.Type.Leave:
            self._over = None
            self._controller.leave()
        return False

    def renew(self) -> None:
        """Ask again for what is under the resting pointer: the values have changed."""
        if self._over is not None and self._pressed is None:
            self._controller.hover(*self._pixels(self._over))

    def _mouse(self, event: QMouseEvent) -> bool:
        at = event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        drags = left or event.button() == Qt.MouseButton.MiddleButton
        if event.type() == QEvent.Type.MouseButtonPress and drags:
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._press(at, left and not shifted)
            self._cut, self._tilts = (self._taken(at), shifted) if left else (None, False)
        elif event.type() == QEvent.Type.MouseMove:
            self._move(at)
        elif event.type() == QEvent.Type.MouseButtonRelease and drags:
            self._release(at, left)
        elif event.type() == QEvent.Type.MouseButtonDblClick and left:
            self._centre(at)
        return True

    def _centre(self, at: QPointF) -> None:
        """A double click brings a voxel into the middle; anywhere else it shows the whole picture."""
        x, y = self._pixels(at)
        pane, steering = self._controller.pane_at(x, y), self._controller.steering
        if pane is None or steering.face_at(pane, x, y):
            return
        camera = steering.centred_at(pane, x, y)
        if camera is not None:
            self.centred.emit(pane, camera)
        else:
            self._controller.activate(pane)
            self._controller.reset_camera()

    def _press(self, at: QPointF, turns: bool) -> None:
        """A drag by the left button turns a volume; by the middle one, or with Shift, it moves it, as it does a map."""
        self._pressed = self._last = at
        self._dragging = False
        self._pane = self._controller.pane_at(*self._pixels(at))
        self._turns = turns and self._controller.steering.turns(self._pane)

    def _move(self, at: QPointF) -> None:
        self._over = at
        if self._pressed is None or self._last is None:
            self._controller.hover(*self._pixels(at))
            self._pane = self._controller.pane_at(*self._pixels(at))
            face = self._controller.steering.face_at(self._pane, *self._pixels(at))
            self._show_hand(bool(face) or self._taken(at) is not None)
            return
        if not self._dragging and (at - self._pressed).manhattanLength() < SLACK:
            return
        if not self._dragging:
            self._dragging = True
            self._widget.setCursor(Qt.CursorShape.ClosedHandCursor)
        dx, dy = self._pixels(at - self._last)
        self._last = at
        self._tell_motion(self._pane)
        if self._cut is not None:
            self._drag_cut(dx, dy)
        elif self._turns and self._pane is not None:
            self._controller.steering.turn(dx, dy, self._pane)
        else:
            self._controller.pan(dx, dy, self._pane)

    def _taken(self, at: QPointF) -> Cut | None:
        """The cut whose handle is at a position."""
        drawn = self._controller.drawn(self._pane) if self._pane is not None else None
        if drawn is None or not at_handle(drawn.composed.frame, drawn.place.scale, *self._pixels(at)):
            return None
        return drawn.resolved.space.cut

    def _drag_cut(self, dx: float, dy: float) -> None:
        """The plane follows the pointer along its normal; with Shift it turns, as a plane in any direction.

        Fractions of a voxel are kept until the button is let go.
        """
        drawn = self._controller.drawn(self._pane) if self._pane is not None else None
        if drawn is None or self._cut is None or self._pane is None:
            return
        scale, shape = drawn.place.scale, drawn.resolved.layout.volume_shape
        if self._tilts:
            self._cut = tilted(self._cut, shape, (dx / scale, dy / scale))
        else:
            self._cut = dragged(self._cut, drawn.composed.frame, (dx, dy))
        workspace = self._controller.workspace
        look = workspace.state.panes[self._pane].space
        workspace.update_pane(self._pane, merge="cut at", space=replace(look, cut=self._cut))

    def _show_hand(self, shown: bool) -> None:
        if shown:
            self._widget.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self._widget.unsetCursor()

    def _release(self, at: QPointF, clicks: bool) -> None:
        clicked = self._pressed is not None and not self._dragging and clicks
        self._pressed = self._last = None
        self._dragging = False
        self._widget.unsetCursor()
        if clicked:
            self._click(at)

    def _click(self, at: QPointF) -> None:
        pane = self._controller.pane_at(*self._pixels(at))
        face = self._controller.steering.face_at(pane, *self._pixels(at))
        if pane is not None and face:
            self._controller.activate(pane)
            self.faced.emit(pane, face)
        else:
            self._controller.click(*self._pixels(at))
            self.clicked.emit(*self._pixels(at))

    def _wheel(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() / NOTCH
        if turned:
            self._tell_motion(self._controller.pane_at(*self._pixels(event.position())))
            self._controller.zoom(*self._pixels(event.position()), STEP**turned)

    def _tell_motion(self, pane: int | None) -> None:
        if self._controller.steering.in_space(pane):
            self._motion.moved()

    def _pixels(self, at: QPointF) -> tuple[float, float]:
        ratio = self._widget.devicePixelRatioF()
        return at.x() * ratio, at.y() * ratio
