"""Fly mode: W A S D move, E and Q rise and sink, the mouse looks around; Escape, or the key that began it, ends it.

Keys are taken before shortcuts get them, and only while the canvas has the keyboard: leaving it ends the flight.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QCursor, QKeyEvent, QMouseEvent

from nnscope.gui.timers import every
from nnscope.scene.flight import PACE, airborne, flown, looked_around

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds
    from nnscope.gui.motion import Motion
    from nnscope.scene.controller import Controller

TICK = 16  # ms
LONGEST = 0.1  # seconds that one tick counts for, however long a frame took
FAST = 4.0  # times as fast, with Shift
BORDER = 24  # logical pixels from the canvas' edge from which the pointer is brought back to its middle
WAYS = {  # right, up, ahead
    Qt.Key.Key_W: (0, 0, 1),
    Qt.Key.Key_S: (0, 0, -1),
    Qt.Key.Key_D: (1, 0, 0),
    Qt.Key.Key_A: (-1, 0, 0),
    Qt.Key.Key_E: (0, 1, 0),
    Qt.Key.Key_Q: (0, -1, 0),
}
HINT = "Flying:  W A S D to move,  E Q up and down,  Shift faster,  mouse to look,  Esc to land"


class Flying(QObject):
    """Filters the events of the canvas' widget while a pane is flown through."""

    changed = pyqtSignal(bool)

    def __init__(self, controller: Controller, widget: QWidget, motion: Motion) -> None:
        super().__init__(widget)
        self._controller = controller
        self._widget = widget
        self._motion = motion
        self._pane: int | None = None
        self._held: set[Qt.Key] = set()
        self._fast = False
        self._last: QPointF | None = None
        self._since = 0.0
        self._number = 0
        self._clock = every(self, TICK, self._tick)

    @property
    def active(self) -> bool:
        """Whether a pane is flown through."""
        return self._pane is not None

    def start(self) -> None:
        """Fly through the active pane, if it shows a picture of three dimensions."""
        pane = self._controller.workspace.state.active
        camera = self._controller.steering.orbit(pane)
        if camera is None or self.active:
            return
        self._pane, self._last, self._number = pane, None, self._number + 1
        self._widget.installEventFilter(self)
        self._widget.setFocus(Qt.FocusReason.OtherFocusReason)
        self._widget.setCursor(Qt.CursorShape.CrossCursor)
        self._look(airborne(camera))
        self.changed.emit(True)

    def stop(self) -> None:
        """Land. Idempotent."""
        if not self.active:
            return
        self._pane = None
        self._held.clear()
        self._clock.stop()
        self._widget.removeEventFilter(self)
        self._widget.unsetCursor()
        self.changed.emit(False)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Keys and moves of the pointer are ours; everything else goes on."""
        if isinstance(event, QKeyEvent):
            return self._key(event)
        if isinstance(event, QMouseEvent):
            if event.type() == QEvent.Type.MouseMove:
                self._moved(event.position())
            return True
        if event is not None and event.type() == QEvent.Type.FocusOut:
            self.stop()
        return False

    def _key(self, event: QKeyEvent) -> bool:
        self._fast = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        ours = event.key() in WAYS or event.key() == Qt.Key.Key_Escape
        if event.type() == QEvent.Type.ShortcutOverride:
            if ours:
                event.accept()
            return ours
        if not ours or event.isAutoRepeat():
            return ours
        if event.key() == Qt.Key.Key_Escape:
            self.stop()
        elif event.type() == QEvent.Type.KeyPress:
            self._press(Qt.Key(event.key()))
        else:
            self._held.discard(Qt.Key(event.key()))
        return True

    def _press(self, key: Qt.Key) -> None:
        self._held.add(key)
        if not self._clock.isActive():
            self._since = time.perf_counter()
            self._clock.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        seconds, self._since = min(now - self._since, LONGEST), now
        camera, space = self._camera(), self._space()
        if not self._held:
            self._clock.stop()
        elif camera is not None and space is not None:
            pace = PACE * seconds * (FAST if self._fast else 1.0)
            right, up, ahead = (pace * sum(WAYS[key][a] for key in self._held) for a in range(3))
            self._look(flown(camera, *space, (right, up, ahead)))

    def _moved(self, at: QPointF) -> None:
        before, self._last = self._last, at
        camera, space = self._camera(), self._space()
        if before is not None and camera is not None and space is not None:
            by = at - before
            self._look(looked_around(camera, *space, (by.x(), by.y())))
        inside = self._widget.rect().adjusted(BORDER, BORDER, -BORDER, -BORDER)
        if not inside.contains(at.toPoint()):  # so that one can turn on and on
            self._last = None
            QCursor.setPos(self._widget.mapToGlobal(self._widget.rect().center()))

    def _camera(self) -> Camera3D | None:
        return None if self._pane is None else self._controller.steering.orbit(self._pane)

    def _space(self) -> tuple[Bounds, Rect] | None:
        """Bounds and rectangle of the picture."""
        drawn = self._controller.drawn(self._pane)
        frame = drawn.composed.frame if drawn is not None else None
        return None if frame is None or frame.space is None else (frame.space.picture.bounds, frame.picture)

    def _look(self, camera: Camera3D) -> None:
        if self._pane is not None:
            self._motion.moved()
            self._controller.steering.set_orbit(self._pane, camera, f"flight {self._number}")
