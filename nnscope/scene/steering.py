"""Moving cameras: panes that are linked and show pictures of one grid move together, and a drag is one step of undo."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.space import FOV, Camera3D
from nnscope.scene import camera as cameras
from nnscope.scene import orbit as orbits
from nnscope.scene.cube import face_at
from nnscope.scene.linking import camera_partners
from nnscope.scene.pick import place_under
from nnscope.views.registry import home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnscope.core.frame import Camera2D
    from nnscope.scene.drawing import Drawn
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

    def turns(self, pane: int | None) -> bool:
        """Whether a drag turns the picture: one of three dimensions, but for a plane seen from the front."""
        orbit = self._orbit(pane) if pane is not None else None
        if orbit is None or pane is None:
            return False
        return not orbits.flat(orbit, self._drawn()[pane].resolved.bounds)

    def pan(self, dx: float, dy: float, pane: int) -> None:
        """Drag the picture by device pixels."""
        orbit, camera = self._orbit(pane), self._camera(pane)
        if orbit is not None:
            drawn = self._drawn()[pane]
            self._look(pane, orbit=orbits.shifted(orbit, drawn.resolved.bounds, drawn.picture, dx, dy))
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
            drawn, nearer = self._drawn()[pane], orbits.approached(orbit, factor)
            if orbits.flat(orbit, drawn.resolved.bounds):
                nearer = orbits.kept_under(orbit, nearer, drawn.resolved.bounds, drawn.picture, at)
            self._look(pane, orbit=nearer)
        elif camera is not None:
            drawn = self._drawn()[pane]
            least = cameras.fit(drawn.resolved.grid, drawn.picture).zoom / 4
            self._look(pane, camera=cameras.zoomed(camera, drawn.picture, at, factor, least))

    def orbit(self, pane: int) -> Camera3D | None:
        """Where a picture of three dimensions is seen from: as set, else as fitted; None for pictures of two."""
        return self._orbit(pane)

    def set_orbit(self, pane: int, orbit: Camera3D, merge: str = "camera") -> None:
        """Look at the picture of a pane from there; moves with one ``merge`` word are one step of undo."""
        if self.in_space(pane):
            self._look(pane, merge, orbit=orbit)

    def face_at(self, pane: int | None, x: float, y: float) -> str:
        """The face of a pane's little cube at a screen position, a name of `scene.directions`; empty for none."""
        orbit, drawn = (None, None) if pane is None else (self._orbit(pane), self._drawn().get(pane))
        if orbit is None or drawn is None or not drawn.composed.frame.pictured:
            return ""
        if orbits.flat(orbit, drawn.resolved.bounds):
            return ""  # it lies as a map does, which has no cube
        return face_at(orbit, drawn.picture, drawn.place.scale, x, y)

    def centred_at(self, pane: int, x: float, y: float) -> Camera3D | None:
        """The camera of a pane with what is seen at a screen position in its middle; None where nothing is."""
        orbit, drawn = self._orbit(pane), self._drawn().get(pane)
        if orbit is None or drawn is None or not drawn.picture.contains(x, y):
            return None
        picked, space = place_under(drawn.resolved, drawn.composed, x + 0.5, y + 0.5), drawn.composed.frame.space
        if picked is None or space is None:
            return None
        first = tuple(i >> picked.level << picked.level for i in picked.place)
        least, greatest = space.picture.box_of(first, 1 << picked.level)
        cx, cy, cz = ((a + b) / 2 for a, b in zip(least, greatest, strict=True))
        return replace(orbit, centre=(cx, cy, cz))

    def project(self, pane: int, fov: float) -> None:
        """Another angle of view, in degrees; 0 for a parallel projection. What is in the middle keeps its size."""
        orbit = self._orbit(pane)
        if orbit is None:
            return
        wide, wider = (math.tan(math.radians(angle or FOV) / 2) for angle in (orbit.fov, fov))
        self._look(pane, "projection", orbit=replace(orbit, fov=fov, distance=orbit.distance * wide / wider))

    def reset(self, pane: int) -> None:
        """Fit the picture into its pane; the projection stays as it was chosen."""
        orbit, drawn = self._workspace.state.panes[pane].orbit, self._drawn().get(pane)
        first = home(drawn.resolved.view, drawn.resolved.layout) if drawn is not None else Camera3D()
        if orbit is None or orbit.fov == first.fov or drawn is None:
            self._look(pane, "", camera=None, orbit=None)
            return
        whole = orbits.fitted(replace(first, fov=orbit.fov), drawn.resolved.bounds, drawn.picture)
        self._look(pane, "", camera=None, orbit=whole)

    def _look(self, at: int, merge: str = "camera", **cameras_of: Camera2D | Camera3D | None) -> None:
        """Move the camera of a pane, and of those that are linked with it."""
        shown = {i: drawn.resolved for i, drawn in self._drawn().items()}
        state = self._workspace.state
        together = camera_partners(at, shown) if state.linked and at in shown else [at]
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
