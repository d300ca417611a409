"""The visual of volumes: a ray for each pixel is sent into a texture of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.transfer import is_signed
from nnscope.core.volume import BRICK, VolumePicture
from nnscope.render.bricks import EXTREMES
from nnscope.render.colour import PALETTE, mapping
from nnscope.render.prepass import Ends
from nnscope.render.rays import WHOLE, Programs, apply_rays
from nnscope.render.slabs import SHOWS, apply_slab, onto
from nnscope.render.voxels import VolumeTextures, mist

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.cut import CutPlane
    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.render.palettes import Palettes
    from nnscope.render.voxels import BrickTextures, VoxelTextures

GLANCE, SHORT_GLANCE = 48, 16  # voxels between samples for a lower bound: among bricks that hold anything, in all
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


class VolumeVisual:
    """Draws volumes; see `nnscope.render.spaces.SpaceVisual`."""

    depth = False

    def __init__(self, palettes: Palettes) -> None:
        self._palettes = palettes
        self._programs = Programs()
        self._ends = Ends(self._programs)
        self._volumes = VolumeTextures(int(gloo.gl.glGetParameter(_LIMIT)))
        self._extinctions: Any = gloo.Texture2D((1, PALETTE, 1), format="red", internalformat="r32f")

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """Mode, pace, and what they depend on."""
        pace = space.step if space.interpolation == "linear" else 0.0
        return (space.mode, space.interpolation, pace, space.plane, space.clip, *_tuning(pane, space))

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """Translucent volumes are colours when they come out of the rays."""
        return space.mode == "translucent"

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Send the rays of a pane."""
        voxels = self._volumes.get(space)
        bricks = voxels.bricks(pane, space)
        program = self._marching(pane, space, voxels, bricks)
        apply_rays(program, space, pane.picture)
        if bricks is not None and bricks.hull is not None:
            self._ends.draw(program, space, pane.picture, bricks.hull)
        program.draw("triangle_strip")
        if space.plane is not None:
            program = self._cutting(pane, space, space.plane, voxels)
            apply_rays(program, space, pane.picture)
            program.draw("triangle_strip")

    def trim(self, needed: set[Hashable]) -> None:
        """Let textures go that no frame needs at present."""
        self._volumes.trim(needed)

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for thing in (self._programs, self._ends, self._volumes, self._extinctions):
            thing.delete()

    def _marching(self, pane: PaneFrame, space: SpaceFrame, voxels: VoxelTextures, bricks: BrickTextures | None) -> Any:
        """The program that sends the rays, with what it needs of the volume."""
        states = voxels.states is not None
        linear = space.interpolation == "linear" and not states
        fragment, mode = _SHADERS[space.mode]
        constants = {"MODE": mode, "LINEAR": linear, "STATES": states, "FOLD": voxels.fold is not None}
        constants |= {"CUT": space.plane is not None, **_passing(space, bricks)}
        if space.mode == "translucent":
            constants |= {"TINTED": voxels.tints is not None, "WEIGHED": voxels.weights is not None}
        program = self._programs.get("march.vert", fragment, **_curve(pane, space), **constants)
        voxels.apply(program, linear)
        if linear:
            program["u_step"] = space.step
        if bricks is not None:
            bricks.apply(program)
            if bricks.hull is not None and space.mode in EXTREMES:
                program["u_floor"] = bricks.floor
        if space.plane is not None:
            program["u_plane"] = onto(space.plane, 2.0**space.picture.level)
        self._apply_mode(program, pane, space, linear)
        if space.mode == "translucent":
            _apply_tints(program, pane, voxels)
        program["a_corner"] = WHOLE
        return program

    def _cutting(self, pane: PaneFrame, space: SpaceFrame, plane: CutPlane, voxels: VoxelTextures) -> Any:
        """The program that draws what lies on the cut."""
        states, mixed = voxels.states is not None, self.mixed(space)
        constants = {"MODE": SHOWS[plane.reduction], "COLOURS": mixed, "STATES": states, "CUT": 0}
        constants["FOLD"] = voxels.fold is not None
        program = self._programs.get("march.vert", "cut.frag", **_curve(pane, space), **constants)
        voxels.apply(program, space.interpolation == "linear" and not states)
        if mixed and pane.style is not None and pane.normalisation is not None:
            self._palettes.apply(program, pane.normalisation, pane.style)
        program["u_onto"] = onto(plane, 2.0**space.picture.level)
        program["u_factor"] = plane.factor
        apply_slab(program, space, plane)
        program["a_corner"] = WHOLE
        return program

    def _apply_mode(self, program: Any, pane: PaneFrame, space: SpaceFrame, linear: bool) -> None:
        """What a mode needs beside the volume."""
        volume, style, norm = space.picture, pane.style, pane.normalisation
        assert isinstance(volume, VolumePicture)
        assert style is not None
        assert norm is not None
        if space.mode in ("additive", "translucent"):
            program["u_side"] = 2.0**volume.level
        if space.mode == "surface":
            program["u_threshold"] = space.threshold
            if linear:
                program["u_voxels"] = tuple(map(float, reversed(volume.values.shape)))
        if space.mode == "translucent":
            self._palettes.apply(program, norm, style)
            row = np.zeros((1, PALETTE, 1), np.float32)
            found = mist(volume, norm, space)
            row[0, : len(found), 0] = found
            self._extinctions.set_data(row)
            program["u_extinctions"] = self._extinctions


def _apply_tints(program: Any, pane: PaneFrame, voxels: VoxelTextures) -> None:
    """What drives hue and opacity beside the values."""
    assert pane.normalisation is not None
    if voxels.tints is not None:
        program["u_tints"] = voxels.tints
        program["u_both"] = float(is_signed(pane.normalisation))
    if voxels.weights is not None:
        program["u_weights"] = voxels.weights


def _passing(space: SpaceFrame, bricks: BrickTextures | None) -> dict[str, int]:
    """How rays pass over bricks; see ``shaders/volume/traverse.glsl``."""
    if bricks is None:
        return {"BRICKS": 0, "GLANCE": 0, "TIGHT": 0}
    tight = bricks.hull is not None
    glance = (GLANCE if tight else SHORT_GLANCE) if space.mode in EXTREMES else 0
    return {"BRICKS": BRICK, "GLANCE": glance, "TIGHT": tight}


def _curve(pane: PaneFrame, space: SpaceFrame) -> dict[str, int]:
    """Colours are mixed by the rays themselves where they are translucent."""
    assert pane.normalisation is not None
    return {"CURVE": mapping(pane.normalisation).curve} if space.mode == "translucent" else {}


def _tuning(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
    """What else a mode depends on."""
    if space.mode == "surface":
        return (space.threshold,)
    if space.mode == "translucent" and pane.style is not None:
        return (space.gain, space.opacity, pane.normalisation, pane.style.name, pane.style.lut.tobytes())
    return ()
