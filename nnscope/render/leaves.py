"""The visual of few leaves of mixed size: the faces of each cube that are turned to the eye, with a depth buffer.

Nodes of the octree that lie outside the picture are left out with all leaves in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.perspective import eye
from nnscope.core.voxels import LeafPicture
from nnscope.render.rays import Programs, apply_rays, projection
from nnscope.render.sections import Sections
from nnscope.render.slabs import BEGINS, onto
from nnscope.views.voxel_pick import boxes, limits, shown

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.compute.space.perspective import Eye
    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.render.palettes import Palettes

VERTEX = np.dtype(
    [("a_corner", np.float32, 3), ("a_low", np.float32, 4), ("a_high", np.float32, 3), ("a_number", np.float32)]
)
GROUP = 2  # levels below the root: leaves in one node of that level are left out together
ROW = 64  # leaves in a row of the table of what they show
_ROUND = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
_FACES = np.stack(  # of the unit cube: across x at 0 and 1, across y, across z; four corners (x, y, z) of each
    [np.insert(_ROUND, axis, at, axis=1) for axis in range(3) for at in (0.0, 1.0)]
)
_TRIANGLES = np.array([0, 1, 2, 0, 2, 3], np.uint32)


class LeafVisual:
    """Draws lists of leaves; see `nnscope.render.spaces.SpaceVisual`."""

    depth = True

    def __init__(self, palettes: Palettes) -> None:
        self._programs = Programs()
        self._sections = Sections(self._programs)
        self._vertices: Any = gloo.VertexBuffer(np.zeros(24, VERTEX))
        self._indices: Any = gloo.IndexBuffer(np.zeros(6, np.uint32))
        self._shown: Any = gloo.Texture2D((1, ROW, 4), format="rgba", internalformat="rgba32f", interpolation="nearest")
        self._held: object = None  # what the vertices are made from

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """Which cubes are shown, and how."""
        return (space.threshold, space.shaded, space.clip, space.plane)

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """Cubes are opaque."""
        return False

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Draw the faces that are turned to the eye."""
        picture = space.picture
        assert isinstance(picture, LeafPicture)
        (low, high), (least, most) = boxes(picture), limits(space)
        low, high = np.maximum(low, least), np.minimum(high, most)
        if self._held != (space.key, space.clip):
            self._vertices.set_data(vertices(picture, low, high))
            self._shown.set_data(table(picture))
            self._held = (space.key, space.clip)
        matrix = projection(space, pane.picture)
        if space.plane is not None:
            self._sections.draw(pane, space, space.plane, self._shown, matrix)
        seen = eye(space.camera, picture.bounds, pane.picture)
        drawn = (high > low).all(1) & shown(picture.values, picture.states, space.threshold) & inside(picture, matrix)
        if space.plane is not None and float(np.array(space.plane.normal) @ seen.position) < space.plane.first:
            drawn = drawn & ~around(seen, low, high)  # what is seen of that one lies on the plane
        indices = facing(seen, low, high, drawn)
        if not len(indices):
            return
        self._indices.set_data(indices)
        cut = 0 if space.plane is None else BEGINS
        program = self._programs.get("leaves.vert", "leaves.frag", SHADED=space.shaded, CUT=cut)
        if space.plane is not None:
            program["u_plane"] = onto(space.plane, 1.0)
        program.bind(self._vertices)
        program["u_projection"] = matrix.astype(np.float32)
        program["u_shown"] = self._shown
        program["u_shape"] = tuple(map(float, self._shown.shape[1::-1]))
        apply_rays(program, space, pane.picture, level=0)
        program.draw("triangles", self._indices)

    def trim(self, needed: set[Hashable]) -> None:
        """Few leaves need little room."""

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for thing in (self._programs, self._sections, self._vertices, self._indices, self._shown):
            thing.delete()


def vertices(picture: LeafPicture, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Four corners of six faces of each leaf: `VERTEX`, 24 n."""
    made = np.empty((len(low), 6, 4), VERTEX)
    made["a_corner"] = low[:, None, None] + _FACES * (high - low)[:, None, None]
    made["a_low"][..., :3] = picture.origin[:, None, None, ::-1]
    made["a_low"][..., 3] = _sides(picture)[:, None, None]
    made["a_high"] = high[:, None, None]
    made["a_number"] = np.arange(len(low))[:, None, None]
    return made.reshape(-1)


def table(picture: LeafPicture) -> np.ndarray:
    """Value and state of each leaf: float32, shape (rows, `ROW`, 4)."""
    shown = np.zeros((-(-len(picture.values) // ROW) * ROW, 4), np.float32)
    shown[: len(picture.values), 0] = picture.values
    shown[: len(picture.values), 1] = picture.states
    return shown.reshape(-1, ROW, 4)


def facing(seen: Eye, low: np.ndarray, high: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Indices of the triangles of the faces that are turned to the eye: uint32.

    A cube in which the eye is hides all others, and its faces are seen from behind.
    """
    if seen.parallel:
        before = np.broadcast_to(np.stack((seen.ahead > 0, seen.ahead < 0), 1), (len(low), 3, 2))
    else:
        before = np.stack((seen.position < low, seen.position > high), 2)
        inmost = drawn & around(seen, low, high)
        if inmost.any():
            before, drawn = np.ones_like(before), inmost
    at = np.flatnonzero((before & drawn[:, None, None]).reshape(len(low), 6))
    indices: np.ndarray = (4 * at[:, None] + _TRIANGLES).astype(np.uint32).reshape(-1)
    return indices


def around(seen: Eye, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether the eye is in a cube; in a parallel projection it is in none."""
    if seen.parallel:
        return np.zeros(len(low), bool)
    return np.asarray(((seen.position >= low) & (seen.position <= high)).all(1))


def inside(picture: LeafPicture, matrix: np.ndarray) -> np.ndarray:
    """Whether the node of the octree that holds each leaf may be in the picture."""
    top = max(0, max(picture.shape) - 1).bit_length() - GROUP
    level = np.maximum(picture.nodes.astype(np.int64), max(top, 0))
    first = picture.origin >> level[:, None]
    nodes, which = np.unique(np.column_stack((level, first)), axis=0, return_inverse=True)
    side = 2.0 ** nodes[:, :1]
    low = nodes[:, :0:-1] * side
    corners = low[:, None] + np.array(list(np.ndindex(2, 2, 2))) * side[:, None]
    clip = np.concatenate((corners, np.ones((len(nodes), 8, 1))), 2) @ matrix
    beyond = [(clip[..., a] < -clip[..., 3]).all(1) | (clip[..., a] > clip[..., 3]).all(1) for a in range(3)]
    return np.asarray(~np.logical_or.reduce(beyond))[which.reshape(-1)]


def _sides(picture: LeafPicture) -> np.ndarray:
    return np.asarray(np.left_shift(1, picture.nodes, dtype=np.int64))
