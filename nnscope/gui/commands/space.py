"""The Space menu: standard views, projection, flying, turning by keys, and the plane that cuts a volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.cut import AXES, Cut
from nnscope.core.space import FOV
from nnscope.scene.directions import seen_from
from nnscope.scene.slicing import companion, facing_camera, through_middle

if TYPE_CHECKING:
    from nnscope.core.cut import Box
    from nnscope.core.space import SpaceLook
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

    def cut(self) -> None:
        """A plane through the middle of the volume, or none."""
        self.choose_plane("z" if self._look.cut is None else "none")

    def cut_axis(self) -> None:
        """The plane across the next axis."""
        cut = self._look.cut
        self.choose_plane(AXES[(AXES.index(cut.axis) + 1) % 3] if cut is not None and cut.axis else AXES[2])

    def cut_on(self) -> None:
        """The plane a voxel further."""
        self._step(1)

    def cut_back(self) -> None:
        """The plane a voxel back."""
        self._step(-1)

    def thicker(self) -> None:
        """A slab with one voxel more."""
        self._thicken(1)

    def thinner(self) -> None:
        """A slab with one voxel less."""
        self._thicken(-1)

    def face_camera(self) -> None:
        """A plane in any direction, turned to the camera."""
        resolved, camera = self._controller.resolved(), self._controller.steering.orbit(self._pane)
        if resolved is not None and camera is not None:
            cut = resolved.space.cut or Cut()
            self.move_cut(facing_camera(cut, camera, resolved.layout.volume_shape), "")

    def beside(self) -> None:
        """The heat map of what the plane shows, in the pane beside; each follows the other."""
        resolved = self._controller.resolved()
        if resolved is None or resolved.dimensions != 3:
            return
        cut, layout = resolved.space.cut, resolved.layout
        if cut is None:
            cut = through_middle("z", layout.volume_shape)
        workspace = self._controller.workspace
        state, at = workspace.state, workspace.state.active
        volume = replace(state.pane, layout=layout, space=replace(state.pane.space, cut=cut))
        view, arranged, settings = companion(layout, cut)
        flat = replace(volume, view=view, layout=arranged, settings=settings, camera=None, pin=None)
        panes = [volume, flat] if len(state.panes) == 1 else list(state.panes)
        beside = 1 if len(state.panes) == 1 else (at + 1) % len(panes)
        panes[0 if len(state.panes) == 1 else at], panes[beside] = volume, flat
        workspace.set(replace(state, panes=tuple(panes), linked=True, active=0 if len(state.panes) == 1 else at))

    def choose_plane(self, kind: str) -> None:
        """``"none"``, ``"x"``, ``"y"``, ``"z"`` or ``"free"``."""
        resolved = self._controller.resolved()
        if kind == "free":
            self.face_camera()
        elif resolved is not None:
            shape = resolved.layout.volume_shape
            self.move_cut(None if kind == "none" else through_middle(kind, shape), "")

    def move_cut(self, cut: Cut | None, merge: str) -> None:
        """Put the plane somewhere else."""
        self._motion.moved()
        workspace = self._controller.workspace
        workspace.update_pane(merge=merge, space=replace(workspace.pane.space, cut=cut))

    def clip(self, box: Box | None) -> None:
        """Show a part of the volume only."""
        workspace = self._controller.workspace
        workspace.update_pane(merge="clip", space=replace(workspace.pane.space, clip=box))

    @property
    def _look(self) -> SpaceLook:
        """As it is in the picture: within the volume."""
        resolved = self._controller.resolved()
        return self._controller.workspace.pane.space if resolved is None else resolved.space

    def _step(self, by: int) -> None:
        cut = self._look.cut
        if cut is not None:
            self.move_cut(replace(cut, at=cut.at + by), "cut at")

    def _thicken(self, by: int) -> None:
        cut = self._look.cut
        if cut is not None:
            self.move_cut(replace(cut, thickness=max(1, cut.thickness + by)), "cut thickness")

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
