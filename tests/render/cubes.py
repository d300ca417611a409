"""Panes with voxels for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnscope.compute.octree.cut import cut
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.grid import node_grid, node_list
from nnscope.compute.octree.nodes import Tolerance
from nnscope.compute.space.voxels import brick_peaks, reduce_block
from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import volume_layout
from nnscope.core.space import Camera3D
from nnscope.core.voxels import BRICK, CutFacts, LeafPicture, VoxelPicture
from tests.render import building

FRONT = Camera3D(0.0, 0.0, 2.0, None, 0.0)
_FACTS = CutFacts(1, 1.0, 0.0)


def on_grid(x: np.ndarray, epsilon: float = 0.0, level: int = 0) -> VoxelPicture:
    """The leaves over an array [z, y, x], as a grid; it may hold values that are no finite number at level 0."""
    x = np.asarray(x, np.float32)
    values, nodes = node_grid(cut(dense_octree(x), Tolerance(epsilon)), level)
    states = reduce_block(x, None, 2**level, "extremes")[1]
    if states is not None:
        values[states != 0] = 0
    peaks, layout = brick_peaks(values, states, BRICK), volume_layout(x.shape)
    return VoxelPicture("t", "voxels", layout, 0, x.shape, level, values, states, nodes, peaks, _FACTS, "", ())


def as_list(x: np.ndarray, epsilon: float = 0.0, level: int = 0) -> LeafPicture:
    """The leaves over an array [z, y, x] of finite values, as a list."""
    found = node_list(cut(dense_octree(np.asarray(x, np.float32)), Tolerance(epsilon)), level)
    origin = found.place << found.level[:, None].astype(np.int32)
    states, layout = np.zeros(len(origin), np.uint8), volume_layout(x.shape)
    return LeafPicture(
        "t", "voxels", layout, 0, x.shape, level, origin, found.level, found.value, states, _FACTS, "", ()
    )


def pane(
    shown: VoxelPicture | LeafPicture, camera: Camera3D = FRONT, size: tuple[int, int] = (96, 80), **how: Any
) -> PaneFrame:
    """A pane of nothing but voxels."""
    space = SpaceFrame(("voxels", next(building.numbers)), shown, camera, **how)
    rect, place = Rect(0, 0, size[0] + 8, size[1] + 12), Rect(4, 6, *size)
    return PaneFrame(rect, place, normalisation=building.linear(-1.0, 1.0), style=building.style(), space=space)
