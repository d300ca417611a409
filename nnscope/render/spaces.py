"""The volumes of a frame: rays are sent into a texture of values, and these are coloured as the values of tiles are.

What rays found is kept for each pane: new limits or another colour map send none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.perspective import pencil
from nnscope.render.colour import mapping
from nnscope.render.palettes import Palettes
from nnscope.render.quads import QuadBuffer
from nnscope.render.voxels import VolumeTextures
from nnscope.shaders import FOLDER, load

if TYPE_CHECKING:
    from nnscope.core.frame import Frame, PaneFrame, Rect, SpaceFrame
    from nnscope.render.pixels import Surface
    from nnscope.render.voxels import VoxelTextures

VERTEX = np.dtype([("a_corner", np.float32, 2), ("a_place", np.float32, 2)])
MARCHES = FOLDER / "volume"
_LIMIT = 0x8073  # GL_MAX_3D_TEXTURE_SIZE
_EXTREMES = {"mip": 0, "minip": 1, "signed": 2}
_WHOLE = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the rays of one pane found.

    Attributes
    ----------
    identity : tuple
        All that it depends on.
    texture, target
        Values and states; the framebuffer that draws into it.
    covers : (float, float)
        Share of the texture along each side that the picture shows.
    """

    identity: tuple[object, ...] | None
    texture: Any
    target: Any
    covers: tuple[float, float]

    def delete(self) -> None:
        """Free it; the context must be current."""
        self.target.delete()
        self.texture.delete()


class SpaceLayer:
    """Draws what lies inside the pictures of panes that show volumes."""

    def __init__(self) -> None:
        self._volumes: VolumeTextures | None = None
        self._programs: dict[tuple[object, ...], Any] = {}
        self._palettes = Palettes()
        self._quads = QuadBuffer()
        self._found: dict[int, Found] = {}
        self.marches = 0

    def march(self, frame: Frame) -> None:
        """Send the rays of every pane whose volume or camera is another one; changes the framebuffer."""
        shown = {i: pane for i, pane in enumerate(frame.panes) if space_identity(pane) is not None}
        for gone in self._found.keys() - shown.keys():
            self._found.pop(gone).delete()
        for i, pane in shown.items():
            if i not in self._found or self._found[i].identity != space_identity(pane):
                self._send(i, pane)
        if self._volumes is not None:
            self._volumes.trim({pane.space.key for pane in shown.values() if pane.space is not None})

    def draw(self, frame: Frame, surface: Surface) -> None:
        """Colour what was found, in the damaged part of the surface."""
        for i, pane in enumerate(frame.panes):
            if i in self._found and surface.damaged(pane.picture):
                self._colour(pane, self._found[i], surface)

    def found(self, pane: int) -> np.ndarray:
        """The values and states that the rays of a pane found: float32, shape (rows, columns, 2), row 0 on top."""
        kept = self._found[pane]
        height, width = kept.texture.shape[:2]
        with kept.target:
            pixels: np.ndarray = gloo.read_pixels((0, 0, width, height), out_type="float")
        return pixels[::-1, :, :2]

    def delete(self) -> None:
        """Free everything; the context must be current."""
        things = (*self._found.values(), *self._programs.values(), self._palettes, self._quads, self._volumes)
        for thing in things:
            if thing is not None:
                thing.delete()
        self._found.clear()

    def _send(self, at: int, pane: PaneFrame) -> None:
        space = pane.space
        assert space is not None
        if self._volumes is None:
            self._volumes = VolumeTextures(int(gloo.gl.glGetParameter(_LIMIT)))
        voxels = self._volumes.get(space)
        found = self._found[at] = self._target(self._found.pop(at, None), pane)
        program = self._marching(space, voxels)
        _apply_rays(program, space, pane.picture)
        with found.target:
            height, width = found.texture.shape[:2]
            gloo.set_viewport(0, 0, width, height)
            gloo.set_state(blend=False, depth_test=False, scissor_test=False, cull_face=False)
            program.draw("triangle_strip")
        self.marches += 1

    def _target(self, old: Found | None, pane: PaneFrame) -> Found:
        """What the rays will be drawn into: the textures of ``old``, if they have the right size."""
        assert pane.space is not None
        quality, picture, identity = pane.space.quality, pane.picture, space_identity(pane)
        shape = (-(-picture.h // quality), -(-picture.w // quality), 2)
        covers = (picture.w / (quality * shape[1]), picture.h / (quality * shape[0]))
        if old is not None and old.texture.shape == shape:
            return Found(identity, old.texture, old.target, covers)
        if old is not None:
            old.delete()
        texture = gloo.Texture2D(shape, format="rg", internalformat="rg32f", interpolation="nearest")
        return Found(identity, texture, gloo.FrameBuffer(color=texture), covers)

    def _marching(self, space: SpaceFrame, voxels: VoxelTextures) -> Any:
        """The program that sends the rays, with what it needs of the volume."""
        states = voxels.states is not None
        linear = space.interpolation == "linear" and not states
        bricks = voxels.skips(space.mode)
        program = self._program(
            "march.vert",
            "extreme.frag",
            MODE=_EXTREMES[space.mode],
            LINEAR=int(linear),
            STATES=int(states),
            FOLD=int(voxels.fold is not None),
            BRICKS=int(bricks),
        )
        voxels.apply(program, linear)
        if linear:
            program["u_step"] = space.step
        if bricks:
            scores = voxels.scores(space.mode)
            program["u_scores"] = scores
            program["u_bricks"] = tuple(float(side) for side in reversed(scores.shape[:3]))
        program["a_corner"] = _WHOLE
        return program

    def _colour(self, pane: PaneFrame, found: Found, surface: Surface) -> None:
        assert pane.normalisation is not None
        assert pane.style is not None
        to = mapping(pane.normalisation)
        program = self._program("found.vert", "found.frag", CURVE=to.curve)
        program["u_scale"] = to.scale
        program["u_limits"] = to.limits
        if to.curve:
            program["u_range"] = to.range
        program["u_row"] = self._palettes.row(pane.style)
        program["u_palettes"] = self._palettes.texture
        program["u_found"] = found.texture
        surface.apply(program)
        self._quads.fill(_corners(pane.picture, found.covers))
        self._quads.draw(program)

    def _program(self, vertex: str, fragment: str, **constants: int) -> Any:
        key = (fragment, *constants.items())
        if key not in self._programs:
            root = MARCHES if (MARCHES / fragment).exists() else FOLDER
            self._programs[key] = gloo.Program(load(vertex, root), load(fragment, root, **constants))
        return self._programs[key]


def space_identity(pane: PaneFrame) -> tuple[object, ...] | None:
    """All that what the rays of a pane find depends on; None when it shows no volume."""
    space, picture = pane.space, pane.picture
    if space is None or pane.normalisation is None or pane.style is None or not (picture.w and picture.h):
        return None
    pace = space.step if space.interpolation == "linear" else 0.0
    return (space.key, space.camera, space.mode, space.interpolation, pace, space.quality, picture.w, picture.h)


def _apply_rays(program: Any, space: SpaceFrame, picture: Rect) -> None:
    """Set the uniforms of ``ray.glsl``: the rays in voxels of the level."""
    side = 2.0**space.picture.level
    rays = pencil(space.camera, space.picture.shape, picture)
    for name in ("origin", "origin_x", "origin_y", "towards", "towards_x", "towards_y"):
        program[f"u_{name}"] = tuple(getattr(rays, name) / side)
    program["u_box"] = tuple(size / side for size in reversed(space.picture.shape))
    program["u_pixel"] = (float(space.quality), float(space.quality))


def _corners(place: Rect, covers: tuple[float, float]) -> np.ndarray:
    """One quad: `VERTEX`, 4 corners."""
    vertices = np.empty(4, VERTEX)
    across, down = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    vertices["a_corner"] = np.stack((place.x + across * place.w, place.y + down * place.h), 1)
    vertices["a_place"] = np.stack((across * covers[0], down * covers[1]), 1)
    return vertices
