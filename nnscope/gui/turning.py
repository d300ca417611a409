"""A camera on its way: standard views and centring move there in a few frames, so that one sees where one was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEasingCurve, QObject, QVariantAnimation

from nnscope.scene.directions import between

if TYPE_CHECKING:
    from nnscope.core.space import Camera3D
    from nnscope.gui.motion import Motion
    from nnscope.scene.controller import Controller

DURATION = 130  # ms


class Turning(QObject):
    """Moves the camera of a pane; each way is one step of undo."""

    def __init__(self, controller: Controller, motion: Motion, parent: QObject) -> None:
        super().__init__(parent)
        self._controller = controller
        self._motion = motion
        self._way: tuple[int, Camera3D, Camera3D] | None = None
        self._number = 0
        self._animation = QVariantAnimation(self)
        self._animation.setDuration(DURATION)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.valueChanged.connect(self._step)
        self._animation.finished.connect(self._arrive)

    @property
    def under_way(self) -> bool:
        """Whether a camera is moving."""
        return self._way is not None

    def turn(self, pane: int, to: Camera3D) -> None:
        """Move the camera of a pane there; one that is on its way goes there from where it is."""
        start = self._controller.steering.orbit(pane)
        if start is None:
            return
        self._animation.stop()
        self._number += 1
        self._way = (pane, start, to)
        self._animation.start()

    def _step(self, share: float) -> None:
        if self._way is None:
            return
        pane, start, end = self._way
        self._motion.moved()
        self._controller.steering.set_orbit(pane, between(start, end, share), f"turning {self._number}")

    def _arrive(self) -> None:
        self._step(1.0)
        self._way = None
