"""The Space menu: standard views, projection, flying, turning by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.space import FOV
from nnscope.scene.directions import seen_from

if TYPE_CHECKING:
    from nnscope.gui.flying import Flying
    from nnscope.gui.motion import Motion
    from nnscope.gui.turning import Turning
    from nnscope.scene.controller import Controller

STEP = 12.0  # logical pixels of the drag that one press of an arrow key stands for


class SpaceCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, controller: Controller, turning: Turning, flying: Flying, motion: Motion) -> None:
        self._controller = controller
        self._turning = turning
        self._flying = flying
        self._motion = motion

    def look_front(self) -> None:
        """As a heat map lies."""
        self.look("front")

    def look_back(self) -> None:
        """From behind."""
        self.look("back")

    def look_right(self) -> None:
        """From the right."""
        self.look("right")

    def look_left(self) -> None:
        """From the left."""
        self.look("left")

    def look_top(self) -> None:
        """From above."""
        self.look("top")

    def look_bottom(self) -> None:
        """From below."""
        self.look("bottom")

    def look_isometric(self) -> None:
        """With three sides alike."""
        self.look("isometric")

    def parallel(self) -> None:
        """Parallel projection, or perspective again."""
        camera = self._controller.steering.orbit(self._pane)
        if camera is not None:
            self.project(0.0 if camera.fov else FOV)

    def fly(self) -> None:
        """Fly, or land."""
        if self._flying.active:
            self._flying.stop()
        else:
            self._flying.start()

    def orbit_left(self) -> None:
        """Turn the picture to the left."""
        self._orbit(-STEP, 0.0)

    def orbit_right(self) -> None:
        """Turn it to the right."""
        self._orbit(STEP, 0.0)

    def orbit_up(self) -> None:
        """Turn it upwards."""
        self._orbit(0.0, -STEP)

    def orbit_down(self) -> None:
        """Turn it downwards."""
        self._orbit(0.0, STEP)

    def look(self, direction: str, pane: int | None = None) -> None:
        """Turn a pane's camera (the active one's by default) to a standard view."""
        at = self._pane if pane is None else pane
        camera = self._controller.steering.orbit(at)
        if camera is not None:
            self._turning.turn(at, seen_from(camera, direction))

    def project(self, fov: float) -> None:
        """Another angle of view, in degrees; 0 for a parallel projection."""
        self._motion.moved()
        self._controller.steering.project(self._pane, fov)

    @property
    def _pane(self) -> int:
        return self._controller.workspace.state.active

    def _orbit(self, dx: float, dy: float) -> None:
        drawn = self._controller.drawn()
        if drawn is not None:
            scale = drawn.place.scale
            self._motion.moved()
            self._controller.steering.turn(dx * scale, dy * scale, self._pane)
