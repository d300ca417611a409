"""Which leaf is under a pixel, against a walk in tiny steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.rays import crossed
from nnscope.core.space import Camera3D
from nnscope.core.space_picture import Picked
from nnscope.views.voxel_pick import leaf_under
from tests.render import cubes

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame

STEP = 2e-3  # voxels


def _ray(pane: PaneFrame, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert pane.space is not None
    rays = pencil(pane.space.camera, pane.space.picture.bounds, pane.picture)
    origin, towards = rays.ray(at[0] - pane.picture.x, at[1] - pane.picture.y)
    return origin, towards / np.linalg.norm(towards)


def _walked(pane: PaneFrame, at: np.ndarray) -> np.ndarray:
    """The voxels [z, y, x] at steps along a ray."""
    assert pane.space is not None
    origin, towards = _ray(pane, at)
    shape = pane.space.picture.layout.volume_shape
    t = np.arange(0, 3 * np.linalg.norm(shape) + np.linalg.norm(origin), STEP)
    places = np.floor(origin + t[:, None] * towards).astype(int)[:, ::-1]
    return np.asarray(places[((places >= 0) & (places < shape)).all(1)])


def _brushed(pane: PaneFrame, at: np.ndarray, found: Picked) -> bool:
    """Whether the ray crosses the voxel found in less than two steps."""
    assert pane.space is not None
    origin, towards = _ray(pane, at)
    voxels, bounds = crossed(origin, towards, np.array(pane.space.picture.bounds[::-1], float))
    row, col, depth = found.place
    return bool(np.diff(bounds)[(voxels == (depth, row, col)).all(1)].max() < 2 * STEP)


@pytest.mark.parametrize("way", ["grid", "list"])
def test_two_hundred_random_rays_find_the_leaf_of_brute_force(way: str) -> None:
    rng = np.random.default_rng(3)
    x = np.kron(rng.normal(size=(4, 5, 6)), np.ones((4, 4, 4))).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = 2.5
    grid = cubes.on_grid(x)
    made = grid if way == "grid" else cubes.as_list(x)
    right = hits = 0
    for _ in range(200):
        camera = Camera3D(*rng.uniform((-180, -90, 0.8), (180, 90, 2.0)), fov=float(rng.choice([0.0, 30.0, 70.0])))
        pane = cubes.pane(made, camera, (300, 240), threshold=1.0)
        at = rng.uniform((pane.picture.x, pane.picture.y), (pane.picture.x + 300, pane.picture.y + 240))
        walked, found = _walked(pane, at), leaf_under(pane, *at)
        seen = np.abs(x[tuple(walked.T)]) >= 1.0
        expected = None
        if seen.any():
            z, row, col = walked[int(np.argmax(seen))].tolist()
            expected = Picked((row, col, z), int(grid.nodes[z, row, col]))
            hits += 1
        right += found == expected or (found is not None and _brushed(pane, at, found))
    assert right == 200
    assert hits > 60
