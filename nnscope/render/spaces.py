"""The pictures of three dimensions of a frame: a visual finds values, which are coloured as the values of tiles are.

Which visual draws a picture is told by its type (`VISUALS`). It draws, for each pixel, what is seen there into a
texture: a value, a state, and how much light falls on it. That is kept for each pane: new limits or another colour map
draw nothing anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from vispy import gloo

from nnscope.core.landscape import LandscapePicture
from nnscope.core.splats import SplatPicture
from nnscope.core.volume import VolumePicture
from nnscope.core.voxels import LeafPicture, VoxelPicture
from nnscope.render.colour import mapping
from nnscope.render.cubes import CubeVisual
from nnscope.render.landscapes import LandscapeVisual
from nnscope.render.leaves import LeafVisual
from nnscope.render.palettes import Palettes
from nnscope.render.quads import QuadBuffer
from nnscope.render.rays import WHOLE, Programs
from nnscope.render.splats import SplatVisual
from nnscope.render.volumes import VolumeVisual
from nnscope.shaders import load

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.frame import Frame, PaneFrame, Rect, SpaceFrame
    from nnscope.render.pixels import Surface

VERTEX = np.dtype([("a_corner", np.float32, 2), ("a_place", np.float32, 2)])
_DEPTH24 = 33190  # GL_DEPTH_COMPONENT24


class SpaceVisual(Protocol):
    """Draws pictures of one type. Made with the palettes of the layer, when the first such picture is there.

    Attributes
    ----------
    depth : bool
        Whether it draws with a depth buffer: the target then has one, cleared to 1, and the depth test is on.
    """

    depth: bool

    def __init__(self, palettes: Palettes) -> None: ...

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """All that what is found depends on beside key, camera, quality and size."""
        ...

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """Whether what is found are colours, premultiplied by the share of the ground that they hide."""
        ...

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Draw into the target, which is bound: (value, state, light, 0) as in ``shaders/volume/found.glsl``.

        Its row 0 is the top row, and a texel is ``space.quality`` device pixels a side. With a depth buffer nothing is
        seen in it yet; without one, every texel must be drawn.
        """
        ...

    def trim(self, needed: set[Hashable]) -> None:
        """Let go what is kept for other keys than these, as far as memory is short."""
        ...

    def delete(self) -> None:
        """Free everything; the context must be current."""
        ...


VISUALS: dict[type, type[SpaceVisual]] = {
    VolumePicture: VolumeVisual,
    LandscapePicture: LandscapeVisual,
    VoxelPicture: CubeVisual,
    LeafPicture: LeafVisual,
    SplatPicture: SplatVisual,
}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What is seen in one pane.

    Attributes
    ----------
    identity : tuple
        All that it depends on.
    texture, target
        Values and states; the framebuffer that draws into it.
    covers : (float, float)
        Share of the texture along each side that the picture shows.
    depth : gloo.RenderBuffer or None
    """

    identity: tuple[object, ...] | None
    texture: Any
    target: Any
    covers: tuple[float, float]
    depth: Any = None

    def delete(self) -> None:
        """Free it; the context must be current."""
        for thing in (self.target, self.texture, self.depth):
            if thing is not None:
                thing.delete()


class SpaceLayer:
    """Draws what lies inside the pictures of panes of three dimensions.

    Attributes
    ----------
    marches : int
        How often a pane was drawn anew.
    """

    def __init__(self) -> None:
        self._visuals: dict[type, SpaceVisual] = {}
        self._programs: dict[tuple[object, ...], Any] = {}
        self._background = Programs()
        self._palettes = Palettes()
        self._quads = QuadBuffer()
        self._found: dict[int, Found] = {}
        self.marches = 0

    def march(self, frame: Frame) -> None:
        """Draw anew what is seen in panes whose picture or camera is another one; changes the framebuffer."""
        shown = {i: pane for i, pane in enumerate(frame.panes) if space_identity(pane) is not None}
        for gone in self._found.keys() - shown.keys():
            self._found.pop(gone).delete()
        for i, pane in shown.items():
            if i not in self._found or self._found[i].identity != space_identity(pane):
                self._send(i, pane)
        needed = {pane.space.key for pane in shown.values() if pane.space is not None}
        for visual in self._visuals.values():
            visual.trim(needed)

    def draw(self, frame: Frame, surface: Surface) -> None:
        """Colour what was found, in the damaged part of the surface."""
        for i, pane in enumerate(frame.panes):
            if i in self._found and surface.damaged(pane.picture):
                self._colour(pane, self._found[i], surface)

    def found(self, pane: int) -> np.ndarray:
        """What was found in a pane, as ``found.frag`` gets it: float32, (rows, columns, 4), row 0 on top."""
        kept = self._found[pane]
        height, width = kept.texture.shape[:2]
        with kept.target:
            pixels: np.ndarray = gloo.read_pixels((0, 0, width, height), out_type="float")
        return pixels[::-1]

    def delete(self) -> None:
        """Free everything; the context must be current."""
        things = (*self._found.values(), *self._programs.values(), *self._visuals.values())
        for thing in (*things, self._background, self._palettes, self._quads):
            thing.delete()
        self._found.clear()

    def _send(self, at: int, pane: PaneFrame) -> None:
        space = pane.space
        assert space is not None
        visual = self._visual(space)
        found = self._target(self._found.pop(at, None), pane, space, visual.depth)
        with found.target:
            height, width = found.texture.shape[:2]
            gloo.set_viewport(0, 0, width, height)
            gloo.set_state(blend=False, depth_test=False, scissor_test=False, cull_face=False)
            if visual.depth:
                self._clear()
            visual.send(pane, space)
            gloo.set_state(depth_test=False)
        self._found[at] = found
        self.marches += 1

    def _visual(self, space: SpaceFrame) -> SpaceVisual:
        kind = type(space.picture)
        if kind not in self._visuals:
            self._visuals[kind] = VISUALS[kind](self._palettes)
        return self._visuals[kind]

    def _target(self, old: Found | None, pane: PaneFrame, space: SpaceFrame, depth: bool) -> Found:
        """What will be drawn into: the textures of ``old``, if they have the right size."""
        quality, picture, identity = space.quality, pane.picture, space_identity(pane)
        shape = (-(-picture.h // quality), -(-picture.w // quality), 4)
        covers = (picture.w / (quality * shape[1]), picture.h / (quality * shape[0]))
        if old is not None and old.texture.shape == shape and (old.depth is not None) == depth:
            return Found(identity, old.texture, old.target, covers, old.depth)
        if old is not None:
            old.delete()
        texture = gloo.Texture2D(shape, format="rgba", internalformat="rgba32f", interpolation="nearest")
        buffer = gloo.RenderBuffer(shape[:2], _DEPTH24) if depth else None
        return Found(identity, texture, gloo.FrameBuffer(color=texture, depth=buffer), covers, buffer)

    def _colour(self, pane: PaneFrame, found: Found, surface: Surface) -> None:
        assert pane.space is not None
        assert pane.normalisation is not None
        assert pane.style is not None
        if VISUALS[type(pane.space.picture)].mixed(pane.space):
            program = self._program(COLOURS=1)
            gloo.set_state(blend=True, blend_equation="func_add")
            gloo.set_blend_func("one", "one_minus_src_alpha", "one", "one")
        else:
            program = self._program(COLOURS=0, CURVE=mapping(pane.normalisation).curve)
            self._palettes.apply(program, pane.normalisation, pane.style)
            gloo.set_state(blend=False)
        program["u_found"] = found.texture
        surface.apply(program)
        self._quads.fill(_corners(pane.picture, found.covers))
        self._quads.draw(program)
        gloo.set_state(blend=False)

    def _clear(self) -> None:
        """Nothing is seen, as far away as can be."""
        program = self._background.get("march.vert", "nothing.frag", STATES=0)
        program["a_corner"] = WHOLE
        program.draw("triangle_strip")
        gloo.set_state(depth_test=True, depth_mask=True, depth_func="less", clear_depth=1.0)
        gloo.clear(color=False, depth=True)

    def _program(self, **constants: int) -> Any:
        key = tuple(constants.items())
        if key not in self._programs:
            self._programs[key] = gloo.Program(load("found.vert"), load("found.frag", **constants))
        return self._programs[key]


def space_identity(pane: PaneFrame) -> tuple[object, ...] | None:
    """All that what is seen in a pane depends on; None when it shows no picture of three dimensions."""
    space, picture = pane.space, pane.picture
    if space is None or pane.normalisation is None or pane.style is None or not (picture.w and picture.h):
        return None
    own = VISUALS[type(space.picture)].identity(pane, space)
    return (space.key, space.camera, space.quality, picture.w, picture.h, *own)


def _corners(place: Rect, covers: tuple[float, float]) -> np.ndarray:
    """One quad: `VERTEX`, 4 corners."""
    vertices = np.empty(4, VERTEX)
    across, down = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    vertices["a_corner"] = np.stack((place.x + across * place.w, place.y + down * place.h), 1)
    vertices["a_place"] = np.stack((across * covers[0], down * covers[1]), 1)
    return vertices
