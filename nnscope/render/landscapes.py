"""The visual of landscapes: a ray for each pixel climbs over the greatest heights of blocks of cells.

Tried: triangles through the rasteriser, 512² cells at 500 × 400 pixels on a software driver. A smooth surface took
70 ms (noise: 190), columns with walls 100 to 300, and either grows with the number of cells. Rays take 15 to 24 ms, and
what they meet is exactly what `nnscope.compute.space.relief` says.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.perspective import eye, pencil
from nnscope.compute.space.relief import ground_box, over_ground, power_of_two
from nnscope.core.landscape import LandscapePicture
from nnscope.render.rays import SHADERS, WHOLE
from nnscope.shaders import FOLDER, load

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
    from nnscope.render.palettes import Palettes

LANDSCAPES = FOLDER / "landscape"
BUDGET = 256 << 20  # bytes of textures that no frame needs at present
LAMP = (-0.55, 0.6, 0.5)  # towards the lamp: to the right, up, and towards the eye


class LandscapeTextures:
    """The textures of one landscape.

    Parameters
    ----------
    picture : LandscapePicture
    """

    def __init__(self, picture: LandscapePicture) -> None:
        self.picture = picture
        self.peaks = _texture(picture.peaks, "r32f", "nearest")
        between = picture.smooth and picture.states is None
        self.values = _texture(picture.values, "r32f", "linear" if between else "nearest")
        self.states = None if picture.states is None else _texture(picture.states, "r8", "nearest")
        self.heights = None if picture.means is None else _texture(picture.heights, "r32f", "nearest")
        self.surface = None if picture.means is None else _texture(picture.heights, "r32f", "linear")
        self.means = None if picture.means is None else _texture(picture.means, "r32f", "linear")

    def apply(self, program: Any) -> None:
        """Set the uniforms of ``seek.glsl`` and ``found.glsl``."""
        picture = self.picture
        rows, cols = picture.heights.shape
        high, wide = picture.peaks.shape
        across, down = cols + picture.smooth, rows + picture.smooth
        whole = float(power_of_two(max(across, down)))
        program["u_peaks"] = self.peaks
        program["u_texel"] = (1 / wide, 1 / high)
        program["u_strip"] = (float(across), 0.0) if down >= across else (0.0, float(down))
        program["u_along"] = (0.0, whole) if down >= across else (whole, 0.0)
        program["u_ends"] = (float(across), float(down))
        program["u_top"] = whole
        program["u_values"] = self.values
        program["u_cells"] = (float(cols), float(rows))
        if self.states is not None:
            program["u_states"] = self.states
        if picture.means is not None:
            program["u_heights"] = self.heights
            program["u_surface"] = self.surface
            program["u_means"] = self.means
            program["u_means_size"] = tuple(map(float, picture.means.shape[::-1]))
            whole = float(max(picture.means.shape))
            program["u_means_along"] = (0.0, whole) if rows >= cols else (whole, 0.0)
            program["u_steepness"] = picture.height / 2**picture.level

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for texture in (self.peaks, self.values, self.states, self.heights, self.surface, self.means):
            if texture is not None:
                texture.delete()


class LandscapeVisual:
    """Draws landscapes; see `nnscope.render.spaces.SpaceVisual`."""

    depth = False

    def __init__(self, palettes: Palettes) -> None:
        self._programs: dict[tuple[bool, bool], Any] = {}
        self._kept: OrderedDict[Hashable, LandscapeTextures] = OrderedDict()

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """Nothing more."""
        return ()

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """What is found are values."""
        return False

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Send the rays of a pane."""
        held = self._textures(space)
        program = self._program(held.picture.smooth, held.states is not None)
        held.apply(program)
        _apply_rays(program, space, pane.picture)
        if held.picture.smooth:
            program["u_lamp"] = lamp(space, pane.picture)
        program["a_corner"] = WHOLE
        program.draw("triangle_strip")

    def trim(self, needed: set[Hashable]) -> None:
        """Let textures go that no frame needs at present, the least recently used first."""
        for key in [key for key in self._kept if key not in needed]:
            if sum(held.picture.nbytes for held in self._kept.values()) <= BUDGET:
                return
            self._kept.pop(key).delete()

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for thing in (*self._kept.values(), *self._programs.values()):
            thing.delete()
        self._kept.clear()
        self._programs.clear()

    def _textures(self, space: SpaceFrame) -> LandscapeTextures:
        found = self._kept.get(space.key)
        if found is None:
            assert isinstance(space.picture, LandscapePicture)
            found = self._kept[space.key] = LandscapeTextures(space.picture)
        self._kept.move_to_end(space.key)
        return found

    def _program(self, smooth: bool, states: bool) -> Any:
        if (smooth, states) not in self._programs:
            fragment = "patches.frag" if smooth else "columns.frag"
            text = load(fragment, LANDSCAPES, SMOOTH=int(smooth), STATES=int(states))
            self._programs[smooth, states] = gloo.Program(load("march.vert", SHADERS), text)
        return self._programs[smooth, states]


def lamp(space: SpaceFrame, picture: Rect) -> tuple[float, float, float]:
    """The direction (column, up, row) towards a lamp that stands beside the eye, of length 1."""
    seen = eye(space.camera, space.picture.bounds, picture)
    towards = np.array(LAMP) @ np.stack((seen.right, -seen.down, -seen.ahead))
    x, y, z = towards / np.linalg.norm(towards)
    return float(x), float(-y), float(-z)


def _apply_rays(program: Any, space: SpaceFrame, picture: Rect) -> None:
    """Set the uniforms of ``ray.glsl``."""
    side, bounds = 2.0**space.picture.level, space.picture.bounds
    rays = over_ground(pencil(space.camera, bounds, picture), bounds, side)
    for name in ("origin", "origin_x", "origin_y", "towards", "towards_x", "towards_y"):
        program[f"u_{name}"] = tuple(getattr(rays, name))
    program["u_box"] = tuple(ground_box(bounds, side))
    program["u_pixel"] = (float(space.quality), float(space.quality))


def _texture(cells: np.ndarray, internal: str, interpolation: str) -> Any:
    return gloo.Texture2D(
        np.ascontiguousarray(cells)[..., None],
        format="red",
        internalformat=internal,
        interpolation=interpolation,
        wrapping="clamp_to_edge",
    )
