"""Where rays meet the bricks of a volume that hold anything: the faces of these are drawn before the rays are sent.

For each pixel the nearest and the farthest face are found by blending: MAX of how much less than ``beyond`` a face lies
along the ray, and of how far it lies. What lies outside the picture costs nothing, and an eye in the middle of a volume
sees only what is before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.perspective import Eye, eye, pencil
from nnscope.core.volume import BRICK
from nnscope.render.bricks import GROWTH, faces
from nnscope.render.quads import QuadBuffer
from nnscope.render.rays import projection

if TYPE_CHECKING:
    from nnscope.core.frame import Rect, SpaceFrame
    from nnscope.render.bricks import Bricks
    from nnscope.render.rays import Programs

VERTEX = np.dtype([("a_place", np.float32, 3)])
SPARSE = 0.5  # share of the bricks that hold anything up to which their faces are drawn
MANY = 200_000  # faces: more take longer to draw than they save
_NEAR = 0.25  # voxels before the eye from which on faces are drawn
_BESIDE = 2.0  # voxels around the eye in which faces may be missing


class Ends:
    """Draws where rays meet bricks; the target is shared by all panes.

    Parameters
    ----------
    programs : Programs
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._texture: Any = None
        self._target: Any = None

    def draw(self, march: Any, space: SpaceFrame, picture: Rect, hull: Hull) -> None:
        """Draw a hull, and set the uniforms of ``occupied.glsl`` of the program that sends the rays."""
        quality = space.quality
        height, width = -(-picture.h // quality), -(-picture.w // quality)
        seen, side = eye(space.camera, space.picture.bounds, picture), 2.0**space.picture.level
        program, beyond = self._program(space, picture, seen), _beyond(space, picture)
        program["u_beyond"] = beyond
        self._resize(height, width)
        with self._target:
            gloo.set_viewport(0, 0, width, height)
            gloo.clear(color=(0.0, 0.0, 0.0, 0.0), depth=False)
            gloo.set_state(blend=True, blend_equation="max")
            hull.quads.draw(program)
            gloo.set_state(blend=False, blend_equation="func_add")
        gloo.set_viewport(0, 0, width, height)
        march["u_ends"] = self._texture
        march["u_texel_of_ends"] = (1.0 / width, 1.0 / height)
        march["u_beyond"] = beyond
        march["u_within"] = float(not seen.parallel and hull.beside(seen.position / side))

    def delete(self) -> None:
        """Free it; the context must be current."""
        for thing in (self._target, self._texture):
            if thing is not None:
                thing.delete()
        self._target = self._texture = None

    def _program(self, space: SpaceFrame, picture: Rect, seen: Eye) -> Any:
        """The program that draws faces, with the rays that they are seen along."""
        program = self._programs.get("occupied.vert", "occupied.frag")
        side, rays = 2.0**space.picture.level, pencil(space.camera, space.picture.bounds, picture)
        depth = 1.0 if seen.parallel else float(np.linalg.norm(seen.centre - seen.position))  # of what rays aim at
        for name in ("towards", "towards_x", "towards_y"):
            program[f"u_{name}"] = tuple(getattr(rays, name) / depth)
        program["u_pixel"] = (float(space.quality), float(space.quality))
        program["u_depth"] = (*seen.ahead, -float(rays.origin @ seen.ahead) / side)
        matrix = projection(space, picture)
        matrix[:, 2] = 0.0 if seen.parallel else matrix[:, 3]  # nothing is too far away
        if not seen.parallel:
            matrix[3, 2] -= 2 * _NEAR * side / depth
        program["u_projection"] = matrix * np.array([side, side, side, 1.0])[:, None]
        return program

    def _resize(self, height: int, width: int) -> None:
        if self._texture is None or self._texture.shape[:2] != (height, width):
            self.delete()
            made = {"format": "luminance_alpha", "internalformat": "rg32f", "interpolation": "nearest"}
            self._texture = gloo.Texture2D((height, width, 2), **made)
            self._target = gloo.FrameBuffer(color=self._texture)


class Hull:
    """The faces around the bricks that hold anything.

    Parameters
    ----------
    bricks : Bricks
    box : (float, float, float)
        Size (x, y, z) of the volume in voxels of the level.
    """

    def __init__(self, bricks: Bricks, box: tuple[float, ...]) -> None:
        corners = faces(bricks.occupied, box)
        self._occupied = bricks.occupied
        self.quads = QuadBuffer()
        vertices = np.empty(len(corners), VERTEX)
        vertices["a_place"] = corners
        self.quads.fill(vertices)

    def beside(self, position: np.ndarray) -> bool:
        """Whether some brick is so close to a position (x, y, z) that its faces may be missing."""
        first = np.floor((position - _BESIDE) / BRICK).astype(int)
        last = np.floor((position + _BESIDE) / BRICK).astype(int)
        part = tuple(slice(max(a, 0), max(b + 1, 0)) for a, b in zip(first[::-1], last[::-1], strict=True))
        return bool(self._occupied[part].any())

    def delete(self) -> None:
        """Free the vertices; the context must be current."""
        self.quads.delete()


def worth_drawing(bricks: Bricks) -> bool:
    """Whether a hull saves more than it costs."""
    occupied = bricks.occupied
    edges = sum(int(np.count_nonzero(np.diff(occupied, axis=axis))) for axis in range(3))
    return bool(occupied.mean() <= SPARSE) and edges <= MANY


def _beyond(space: SpaceFrame, picture: Rect) -> float:
    """Farther along any ray than any face, in voxels of the level."""
    side, bounds = 2.0**space.picture.level, space.picture.bounds
    rays = pencil(space.camera, bounds, picture)
    starts = np.array([rays.ray(x, y)[0] for x in (0, picture.w) for y in (0, picture.h)]) / side
    ends = np.stack((np.full(3, -GROWTH), np.array(bounds[::-1]) / side + GROWTH))
    return float(np.linalg.norm(np.abs(starts[:, None] - ends).max((0, 1)))) + 1.0
