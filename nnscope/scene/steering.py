"""Moving cameras: panes that are linked and show pictures of one grid move together, and a drag is one step of undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.scene import camera as cameras
from nnscope.scene import orbit as orbits
from nnscope.scene.linking import camera_partners

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnscope.core.frame import Camera2D
    from nnscope.core.space import Camera3D
    from nnscope.scene.controller import Drawn
    from nnscope.scene.workspace import Workspace


class Steering:
    """The cameras of a workspace.

    Parameters
    ----------
    workspace : Workspace
    drawn : callable
        What each pane last drew, by its number.
    """

    def __init__(self, workspace: Workspace, drawn: Callable[[], Mapping[int, Drawn]]) -> None:
        self._workspace = workspace
        self._drawn = drawn

    def in_space(self, pane: int | None) -> bool:
        """Whether a pane shows a picture of three dimensions."""
        drawn = self._drawn().get(pane) if pane is not None else None
        return drawn is not None and drawn.composed.orbit is not None

    def pan(self, dx: float, dy: float, pane: int) -> None:
        """Drag the picture by device pixels."""
        orbit, camera = self._orbit(pane), self._camera(pane)
        if orbit is not None:
            drawn = self._drawn()[pane]
            shape = drawn.resolved.layout.volume_shape
            self._look(pane, orbit=orbits.shifted(orbit, shape, drawn.place.picture, dx, dy))
        elif camera is not None:
            self._look(pane, camera=cameras.panned(camera, dx, dy))

    def turn(self, dx: float, dy: float, pane: int) -> None:
        """Turn the volume under a drag by device pixels."""
        orbit = self._orbit(pane)
        if orbit is not None:
            scale = self._drawn()[pane].place.scale
            self._look(pane, orbit=orbits.turned(orbit, dx / scale, dy / scale))

    def zoom(self, at: tuple[float, float], factor: float, pane: int) -> None:
        """Zoom about a screen position; a volume about its centre."""
        orbit, camera = self._orbit(pane), self._camera(pane)
        if orbit is not None:
            self._look(pane, orbit=orbits.approached(orbit, factor))
        elif camera is not None:
            drawn = self._drawn()[pane]
            least = cameras.fit(drawn.resolved.grid, drawn.place.picture).zoom / 4
            self._look(pane, camera=cameras.zoomed(camera, drawn.place.picture, at, factor, least))

    def set_orbit(self, pane: int, orbit: Camera3D) -> None:
        """Look at the volume of a pane from there."""
        if self.in_space(pane):
            self._look(pane, orbit=orbit)

    def reset(self, pane: int) -> None:
        """Fit the picture into its pane."""
        self._look(pane, camera=None, orbit=None)

    def _look(self, at: int, **cameras_of: Camera2D | Camera3D | None) -> None:
        """Move the camera of a pane, and of those that are linked with it."""
        shown = {i: drawn.resolved for i, drawn in self._drawn().items()}
        state = self._workspace.state
        together = camera_partners(at, shown) if state.linked and at in shown else [at]
        merge = "camera" if any(camera is not None for camera in cameras_of.values()) else ""
        self._workspace.set(state.with_panes(together, **cameras_of), merge)

    def _camera(self, pane: int) -> Camera2D | None:
        """Where a pane looks: as set, which may be newer than what was drawn, else as fitted when it was drawn."""
        drawn = self._drawn().get(pane)
        if drawn is None or drawn.composed.camera is None:
            return None
        return self._workspace.state.panes[pane].camera or drawn.composed.camera

    def _orbit(self, pane: int) -> Camera3D | None:
        drawn = self._drawn().get(pane)
        if drawn is None or drawn.composed.orbit is None:
            return None
        return self._workspace.state.panes[pane].orbit or drawn.composed.orbit
