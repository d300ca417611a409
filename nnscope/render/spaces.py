"""The volumes of a frame: rays are sent into a texture of values, and these are coloured as the values of tiles are.

What rays found is kept for each pane: new limits or another colour map send none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.transfer import extinctions
from nnscope.render.colour import PALETTE, mapping
from nnscope.render.palettes import Palettes
from nnscope.render.quads import QuadBuffer
from nnscope.render.voxels import EXTREMES, VolumeTextures
from nnscope.shaders import FOLDER, load

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle, Frame, PaneFrame, Rect, SpaceFrame
    from nnscope.core.legend import Normalisation
    from nnscope.render.pixels import Surface
    from nnscope.render.voxels import VoxelTextures

VERTEX = np.dtype([("a_corner", np.float32, 2), ("a_place", np.float32, 2)])
MARCHES = FOLDER / "volume"
_LIMIT = 0x8073  # GL_MAX_3D_TEXTURE_SIZE
_SHADERS = {  # and the number of the mode in it
    "mip": ("extreme.frag", 0),
    "minip": ("extreme.frag", 1),
    "signed": ("extreme.frag", 2),
    "average": ("sum.frag", 3),
    "additive": ("sum.frag", 4),
    "surface": ("surface.frag", 5),
    "translucent": ("translucent.frag", 6),
}
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
        self._extinctions: Any = gloo.Texture2D((1, PALETTE, 1), format="red", internalformat="r32f")
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
        """What the rays of a pane found, as ``found.frag`` gets it: float32, (rows, columns, 4), row 0 on top."""
        kept = self._found[pane]
        height, width = kept.texture.shape[:2]
        with kept.target:
            pixels: np.ndarray = gloo.read_pixels((0, 0, width, height), out_type="float")
        return pixels[::-1]

    def delete(self) -> None:
        """Free everything; the context must be current."""
        things = (
            *self._found.values(),
            *self._programs.values(),
            self._extinctions,
            self._palettes,
            self._quads,
            self._volumes,
        )
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
        program = self._marching(pane, voxels)
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
        shape = (-(-picture.h // quality), -(-picture.w // quality), 4)
        covers = (picture.w / (quality * shape[1]), picture.h / (quality * shape[0]))
        if old is not None and old.texture.shape == shape:
            return Found(identity, old.texture, old.target, covers)
        if old is not None:
            old.delete()
        texture = gloo.Texture2D(shape, format="rgba", internalformat="rgba32f", interpolation="nearest")
        return Found(identity, texture, gloo.FrameBuffer(color=texture), covers)

    def _marching(self, pane: PaneFrame, voxels: VoxelTextures) -> Any:
        """The program that sends the rays, with what it needs of the volume."""
        space = pane.space
        assert space is not None
        states = voxels.states is not None
        linear = space.interpolation == "linear" and not states
        bricks = space.mode in EXTREMES and voxels.skips(space.mode)
        fragment, mode = _SHADERS[space.mode]
        constants = {"MODE": mode, "LINEAR": linear, "STATES": states, "FOLD": voxels.fold is not None}
        constants |= {"BRICKS": bricks}
        program = self._program("march.vert", fragment, **self._curve(pane), **constants)
        voxels.apply(program, linear)
        if linear:
            program["u_step"] = space.step
        if bricks:
            scores = voxels.scores(space.mode)
            program["u_scores"] = scores
            program["u_bricks"] = tuple(float(side) for side in reversed(scores.shape[:3]))
        self._apply_mode(program, pane, linear)
        program["a_corner"] = _WHOLE
        return program

    def _apply_mode(self, program: Any, pane: PaneFrame, linear: bool) -> None:
        """What a mode needs beside the volume."""
        space, style, norm = pane.space, pane.style, pane.normalisation
        assert space is not None
        assert style is not None
        assert norm is not None
        if space.mode in ("additive", "translucent"):
            program["u_side"] = 2.0**space.picture.level
        if space.mode == "surface":
            program["u_threshold"] = space.threshold
            if linear:
                program["u_voxels"] = tuple(map(float, reversed(space.picture.values.shape)))
        if space.mode == "translucent":
            self._apply_scale(program, norm, style)
            row = np.zeros((1, PALETTE, 1), np.float32)
            found = extinctions(norm, space.gain, space.picture.shape)
            row[0, : len(found), 0] = found
            self._extinctions.set_data(row)
            program["u_extinctions"] = self._extinctions

    def _curve(self, pane: PaneFrame) -> dict[str, int]:
        """Colours are mixed by the rays themselves where they are translucent."""
        assert pane.space is not None
        assert pane.normalisation is not None
        return {"CURVE": mapping(pane.normalisation).curve} if pane.space.mode == "translucent" else {}

    def _apply_scale(self, program: Any, norm: Normalisation, style: ColourStyle) -> None:
        """Set the uniforms of ``scale.glsl``."""
        to = mapping(norm)
        program["u_scale"] = to.scale
        program["u_limits"] = to.limits
        if to.curve:
            program["u_range"] = to.range
        program["u_row"] = self._palettes.row(style)
        program["u_palettes"] = self._palettes.texture

    def _colour(self, pane: PaneFrame, found: Found, surface: Surface) -> None:
        assert pane.space is not None
        assert pane.normalisation is not None
        assert pane.style is not None
        if pane.space.mode == "translucent":
            program = self._program("found.vert", "found.frag", COLOURS=1)
            gloo.set_state(blend=True, blend_equation="func_add")
            gloo.set_blend_func("one", "one_minus_src_alpha", "one", "one")
        else:
            program = self._program("found.vert", "found.frag", COLOURS=0, CURVE=mapping(pane.normalisation).curve)
            self._apply_scale(program, pane.normalisation, pane.style)
            gloo.set_state(blend=False)
        program["u_found"] = found.texture
        surface.apply(program)
        self._quads.fill(_corners(pane.picture, found.covers))
        self._quads.draw(program)
        gloo.set_state(blend=False)

    def _program(self, vertex: str, fragment: str, **constants: int) -> Any:
        key = (fragment, *constants.items())
        if key not in self._programs:
            self._programs[key] = gloo.Program(*_texts(vertex, fragment, constants))
        return self._programs[key]


def _texts(vertex: str, fragment: str, constants: dict[str, int]) -> tuple[str, str]:
    """The shaders of a program; those of rays are in a folder of their own, into which ``scale.glsl`` is handed."""
    constants = {name: int(value) for name, value in constants.items()}
    if not (MARCHES / fragment).exists():
        return load(vertex), load(fragment, **constants)
    before = load("scale.glsl", CURVE=constants.pop("CURVE")) if "CURVE" in constants else ""
    return load(vertex, MARCHES), before + load(fragment, MARCHES, **constants)


def space_identity(pane: PaneFrame) -> tuple[object, ...] | None:
    """All that what the rays of a pane find depends on; None when it shows no volume."""
    space, picture = pane.space, pane.picture
    if space is None or pane.normalisation is None or pane.style is None or not (picture.w and picture.h):
        return None
    pace = space.step if space.interpolation == "linear" else 0.0
    way = (space.mode, space.interpolation, pace, space.quality, *_tuning(pane, space))
    return (space.key, space.camera, *way, picture.w, picture.h)


def _tuning(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
    """What else a mode depends on."""
    if space.mode == "surface":
        return (space.threshold,)
    if space.mode == "translucent" and pane.style is not None:
        return (space.gain, pane.normalisation, pane.style.name, pane.style.lut.tobytes())
    return ()


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
