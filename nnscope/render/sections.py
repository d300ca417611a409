"""What a plane cuts out of a list of leaves: for each pixel of it the leaf is found from the root of a tree down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.cutting import outline
from nnscope.core.voxels import LeafPicture
from nnscope.render.rays import apply_rays
from nnscope.render.slabs import apply_begin, constants

if TYPE_CHECKING:
    from nnscope.core.cut import CutPlane
    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.render.rays import Programs

ROW = 1024  # numbers in a row of the table of the tree
VERTEX = np.dtype([("a_place", np.float32, 3)])


class Sections:
    """Draws the cut through leaves into a target with a depth buffer.

    Parameters
    ----------
    programs : Programs
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._tree: Any = gloo.Texture2D((1, ROW, 1), format="red", internalformat="r32f", interpolation="nearest")
        self._vertices: Any = gloo.VertexBuffer(np.zeros(3, VERTEX))
        self._held: object = None
        self._root = 1.0

    def draw(self, pane: PaneFrame, space: SpaceFrame, plane: CutPlane, shown: Any, matrix: np.ndarray) -> None:
        """Draw what lies on a plane; ``shown`` is the table of what the leaves show."""
        picture = space.picture
        assert isinstance(picture, LeafPicture)
        depth, height, width = picture.bounds
        corners = outline(plane, space.clip or ((0.0, 0.0, 0.0), (width, height, depth)))
        if not len(corners):
            return
        if self._held != space.key:
            table, root = tree(picture)
            self._tree.set_data(table)
            self._root, self._held = float(root), space.key
        program = self._programs.get("section.vert", "section.frag", SHADED=space.shaded, STATES=1, **constants(plane))
        vertices = np.empty(len(corners), VERTEX)
        vertices["a_place"] = corners
        self._vertices.set_data(vertices)
        program.bind(self._vertices)
        program["u_projection"] = matrix.astype(np.float32)
        program["u_shown"], program["u_shape"] = shown, tuple(map(float, shown.shape[1::-1]))
        program["u_tree"], program["u_tree_shape"] = self._tree, tuple(map(float, self._tree.shape[1::-1]))
        program["u_root"], program["u_threshold"] = self._root, space.threshold
        apply_begin(program, space, plane, level=0)
        apply_rays(program, space, pane.picture, level=0)
        program.draw("triangle_fan")

    def delete(self) -> None:
        """Free everything; the context must be current."""
        self._tree.delete()
        self._vertices.delete()


def tree(picture: LeafPicture) -> tuple[np.ndarray, int]:
    """The table of ``section.frag``, float32 (rows, `ROW`, 1), and the side of the first node.

    Eight numbers for each node that divides, for its halves along x, y and z: 1 + the number of a leaf, minus that of a
    node, or 0 where there is nothing.
    """
    levels = picture.nodes.astype(np.int64)
    top = max(max(picture.shape).bit_length(), int(levels.max(initial=0)) + 1)  # one that divides, always
    entries, first = [], 0
    for level in range(top, 0, -1):
        below = np.flatnonzero(levels < level)
        if not len(below):
            break
        which = _nodes(picture, below, level)
        count = int(which.max()) + 1
        made = np.zeros((count, 8), np.float32)
        deeper = below[levels[below] < level - 1]
        numbers = np.zeros(len(levels), np.float32)
        numbers[below] = below + 1
        if len(deeper):
            numbers[deeper] = -(first + count + _nodes(picture, deeper, level - 1))
        octant = (picture.origin[below] >> (level - 1) & 1) @ np.array((4, 2, 1))
        made[which, octant] = numbers[below]
        entries.append(made)
        first += count
    table = np.concatenate([made.reshape(-1) for made in entries] or [np.zeros(8, np.float32)])
    rows = -(-len(table) // ROW)
    return np.pad(table, (0, rows * ROW - len(table))).reshape(rows, ROW, 1), 2**top


def _nodes(picture: LeafPicture, leaves: np.ndarray, level: int) -> np.ndarray:
    """Which node of a level holds each leaf, counted in the order of their places."""
    places = picture.origin[leaves].astype(np.int64) >> level
    codes = (places[:, 0] << 42) | (places[:, 1] << 21) | places[:, 2]
    return np.unique(codes, return_inverse=True)[1].reshape(-1)
