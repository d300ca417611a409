"""What is under a pixel of a volume, against a walk in tiny steps; the level that a camera calls for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from nnscope.compute.space.detail import level_for
from nnscope.compute.space.perspective import eye, pencil
from nnscope.compute.space.rays import crossed
from nnscope.compute.space.voxels import brick_ranges, reduce_block
from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import volume_layout
from nnscope.core.legend import Normalisation
from nnscope.core.space import Camera3D
from nnscope.core.volume import BRICK, VolumePicture, volume_level_shape
from nnscope.scene.orbit import approached, shifted, turned
from nnscope.views.volume_pick import voxel_under

PICTURE = Rect(20, 10, 300, 240)
SHAPE = (14, 19, 23)


def _space(x: np.ndarray, camera: Camera3D, mode: str) -> SpaceFrame:
    values, states = reduce_block(x, None, 1, "max")
    ranges = brick_ranges(values, states, BRICK)
    volume = VolumePicture("t", "volume", volume_layout(x.shape), 0, x.shape, 0, values, states, *ranges, "", ())
    return SpaceFrame("key", volume, camera, mode)


def _stepped(space: SpaceFrame, x: float, y: float) -> np.ndarray:
    """The voxels [z, y, x] at steps of a thousandth of a voxel along a ray: brute force."""
    origin, towards = pencil(space.camera, space.picture.shape, PICTURE).ray(x - PICTURE.x, y - PICTURE.y)
    unit = towards / np.linalg.norm(towards)
    middle = np.array(SHAPE[::-1]) / 2
    near, reach = (middle - origin) @ unit, np.linalg.norm(SHAPE)  # of a ball that holds the volume with room to spare
    t = np.arange(max(0, int((near - reach) * 1e3)), max(0, int((near + reach) * 1e3))) * 1e-3
    places = np.floor(origin + t[:, None] * unit).astype(int)[:, ::-1]
    return places[((places >= 0) & (places < space.picture.shape)).all(1)]


def _walked(space: SpaceFrame, x: float, y: float) -> set[tuple[int, ...]]:
    held = _stepped(space, x, y)
    return set(map(tuple, held[np.r_[True, (np.diff(held, axis=0) != 0).any(1)]].tolist())) if len(held) else set()


def _pane(space: SpaceFrame) -> PaneFrame:
    return PaneFrame(PICTURE, PICTURE, normalisation=Normalisation("linear", "identity", 0.0, 1.0, -2, 2), space=space)


@pytest.mark.parametrize("mode", ["mip", "minip", "signed"])
def test_two_hundred_random_rays_find_the_voxel_of_brute_force(mode: str) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=SHAPE).astype(np.float32)
    score = {"mip": x, "minip": -x, "signed": np.abs(x)}.get(mode, x)
    right = hits = 0
    for _ in range(200):
        azimuth, elevation, distance = rng.uniform((-180, -90, 0.7), (180, 90, 2.5))
        camera = Camera3D(azimuth, elevation, distance, fov=float(rng.choice([0.0, 30.0, 70.0])))
        space = _space(x, camera, mode)
        at = rng.uniform((PICTURE.x, PICTURE.y), (PICTURE.x + PICTURE.w, PICTURE.y + PICTURE.h))
        found, walked = voxel_under(_pane(space), *at), _walked(space, *at)
        if not walked:
            right += found is None
            continue
        hits += 1
        best = max(float(score[voxel]) for voxel in walked)
        right += found is not None and (found in walked or _brushed(space, at, found)) and score[found] >= best
    assert right == 200
    assert hits > 60


def _dense(space: SpaceFrame, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The voxels and values at the steps along a ray."""
    held = _stepped(space, *at)
    return held, space.picture.values[tuple(held.T)].astype(float)


@pytest.mark.parametrize("mode", ["average", "additive", "surface", "translucent"])
def test_two_hundred_random_rays_find_the_voxel_that_adds_most(mode: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=SHAPE).astype(np.float32)
    right = hits = 0
    for _ in range(200):
        azimuth, elevation, distance = rng.uniform((-180, -90, 0.7), (180, 90, 2.0))
        space = replace(_space(x, Camera3D(azimuth, elevation, distance), mode), threshold=1.5, gain=3.0)
        at = rng.uniform((PICTURE.x, PICTURE.y), (PICTURE.x + PICTURE.w, PICTURE.y + PICTURE.h))
        found = voxel_under(_pane(space), *at)
        voxels, values = _dense(space, at)
        if not len(voxels):
            right += found is None or _brushed(space, at, found)
            continue
        hits += 1
        right += _adds_most(space, voxels, values, found) or (found is not None and _brushed(space, at, found))
    assert right == 200
    assert hits > 60


def _adds_most(space: SpaceFrame, voxels: np.ndarray, values: np.ndarray, found: tuple[int, ...] | None) -> bool:
    if space.mode == "surface":
        reaches = np.abs(values) >= space.threshold
        return found is None if not reaches.any() else found == tuple(voxels[np.argmax(reaches)].tolist())
    weights = np.abs(values)
    if space.mode == "translucent":
        u = np.clip((values + 2) / 4, 0, 1)
        passes = np.exp(-space.gain / np.prod(SHAPE) ** (1 / 3) * (2 * u - 1) ** 2 * 1e-3)
        weights = np.concatenate(([1.0], np.cumprod(passes)[:-1])) * (1 - passes)
    sums = np.zeros(SHAPE)
    np.add.at(sums, tuple(voxels.T), weights)
    return found is not None and sums[found] >= sums.max() * 0.98


def _brushed(space: SpaceFrame, at: np.ndarray, voxel: tuple[int, ...]) -> bool:
    """Whether the ray crosses a voxel in less than the step of the walk."""
    rays = pencil(space.camera, space.picture.shape, PICTURE)
    origin, towards = rays.ray(at[0] - PICTURE.x, at[1] - PICTURE.y)
    voxels, bounds = crossed(origin, towards, np.array(space.picture.shape[::-1], float))
    lengths = np.diff(bounds) * np.linalg.norm(towards)
    return bool(lengths[(voxels == voxel).all(1)].max() < 2e-3)


@pytest.mark.parametrize("parallel", [True, False])
@pytest.mark.parametrize("distance", [0.8, 2.0, 9.0, 70.0])
def test_every_voxel_is_met_by_a_ray(distance: float, parallel: bool) -> None:
    rng = np.random.default_rng(int(distance))
    for _ in range(15):
        azimuth, elevation = rng.uniform((-180, -90), (180, 90))
        camera = Camera3D(azimuth, elevation, distance, fov=0.0 if parallel else 30.0)
        level = level_for(camera, (64, 64, 64), PICTURE, range(7))
        shape, side = volume_level_shape((64, 64, 64), level), 2.0**level
        corner = rng.integers(0, shape)
        seen = eye(camera, (64, 64, 64), PICTURE)
        pixels, depth = seen.project((corner[::-1] + np.array([[0.5, 0.5, 0.5]])) * side)
        if depth[0] <= 0 or not ((pixels[0] > 2) & (pixels[0] < (PICTURE.w - 2, PICTURE.h - 2))).all():
            continue
        rays = pencil(camera, (64, 64, 64), PICTURE)
        met = False
        for dx in range(-3, 4):
            for dy in range(-3, 4):
                origin, towards = rays.ray(math.floor(pixels[0, 0]) + dx + 0.5, math.floor(pixels[0, 1]) + dy + 0.5)
                voxels, _ = crossed(origin / side, towards / side, np.full(3, 64 / side))
                met |= bool((voxels == corner).all(1).any())
        assert met


def test_points_lie_on_their_rays() -> None:
    rng = np.random.default_rng(0)
    for fov in (0.0, 40.0):
        camera = Camera3D(33, -20, 1.5, (3.0, 4.0, 5.0), fov)
        points = rng.uniform((0, 0, 0), SHAPE[::-1], (20, 3))
        pixels, depth = eye(camera, SHAPE, PICTURE).project(points)
        assert (depth > 0).all()
        for point, pixel in zip(points, pixels, strict=True):
            origin, towards = pencil(camera, SHAPE, PICTURE).ray(*pixel)
            offset = point - origin
            assert (
                np.abs(np.cross(offset, towards)).max() < 1e-9 * np.linalg.norm(offset) * np.linalg.norm(towards) + 1e-9
            )


def test_from_the_front_a_volume_lies_as_a_heat_map() -> None:
    pixels, depth = eye(Camera3D(0, 0), SHAPE, PICTURE).project(
        np.array([[0, 0, 0], [23, 0, 0], [0, 19, 0], [0, 0, 14]])
    )
    assert pixels[1, 0] > pixels[0, 0]
    assert pixels[2, 1] > pixels[0, 1]
    assert depth[3] > depth[0]


def test_a_drag_follows_the_pointer() -> None:
    camera = Camera3D(10, 20)
    front = np.array([[11.5, 9.5, 0.0]])
    before = eye(camera, SHAPE, PICTURE).project(front)[0][0]
    after = eye(turned(camera, 10, 0), SHAPE, PICTURE).project(front)[0][0]
    assert after[0] > before[0]
    assert turned(camera, 0, 1e6).elevation == 90
    moved = shifted(camera, SHAPE, PICTURE, 12, -7)
    middle = np.array([SHAPE[::-1]]) / 2
    change = eye(moved, SHAPE, PICTURE).project(middle)[0] - eye(camera, SHAPE, PICTURE).project(middle)[0]
    assert change[0] == pytest.approx((12, -7), abs=1e-6)
    assert approached(camera, 2).distance == camera.distance / 2
