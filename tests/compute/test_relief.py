"""Rays over height fields against dense samples along them, and the greatest heights of blocks."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.compute.space.ground import ground_level
from nnscope.compute.space.relief import GROUND, Relief, means, normalised, peaks, power_of_two, struck
from nnscope.core.frame import Rect
from nnscope.core.space import Camera3D

STEP = 5e-4  # cells between samples


def _field(rng: np.random.Generator) -> np.ndarray:
    """Rough, with ground, plateaus and steps to the top."""
    x = rng.uniform(0, 1, (9, 12)) ** 2
    x[rng.uniform(size=x.shape) < 0.2] = 0
    x[3:5, 4:8] = 0.7
    return x.astype(np.float32)


def _surface(heights: np.ndarray, positions: np.ndarray, smooth: bool) -> np.ndarray:
    """Height of the surface under positions (column, height, row)."""
    rows, cols = heights.shape
    x, y = positions[:, 0], positions[:, 2]
    if not smooth:
        return heights[np.clip(y.astype(int), 0, rows - 1), np.clip(x.astype(int), 0, cols - 1)]
    x, y = np.clip(x - 0.5, 0, cols - 1), np.clip(y - 0.5, 0, rows - 1)
    i, j = np.minimum(y.astype(int), rows - 2), np.minimum(x.astype(int), cols - 2)
    v, u = y - i, x - j
    near = heights[i, j] * (1 - u) + heights[i, j + 1] * u
    return np.asarray(near * (1 - v) + (heights[i + 1, j] * (1 - u) + heights[i + 1, j + 1] * u) * v)


def _first_sample(
    heights: np.ndarray, origin: np.ndarray, towards: np.ndarray, box: np.ndarray, smooth: bool
) -> np.ndarray | None:
    """The first of many samples along a ray that is in the box and not above the surface."""
    length = float(np.linalg.norm(towards[[0, 2]])) + float(abs(towards[1]))
    t = np.arange(0, 30 / length, STEP / length)
    along = origin + t[:, None] * towards
    inside = ((along >= (0, GROUND, 0)) & (along <= box)).all(1)
    from_below = (towards[1] > 0) & (along[:, 1] <= STEP)
    met = np.flatnonzero(inside & ((along[:, 1] <= _surface(heights, along, smooth)) | from_below))
    return along[met[0]] if len(met) else None


@pytest.mark.parametrize("smooth", [False, True], ids=["flat tops", "smooth"])
def test_every_ray_meets_the_cell_that_dense_samples_find(smooth: bool) -> None:
    rng = np.random.default_rng(3)
    heights, box, hits = _field(rng), np.array((11.5, 1.0, 9.0)), 0
    for _ in range(200):
        target = rng.uniform((0, 0, 0), box)
        origin = target + rng.normal(size=3) * (8, 1.0, 8)
        origin[1] = rng.uniform(1.05, 3) if rng.uniform() < 0.8 else -rng.uniform(0.1, 2)
        towards = target - origin
        expected = _first_sample(heights, origin, towards, box, smooth)
        found = struck(Relief(heights, smooth), origin, towards, box)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            hits += 1
            assert found.position == pytest.approx(expected, abs=20 * STEP)
            assert (found.row, found.col) == (min(int(expected[2]), 8), min(int(expected[0]), 11))
    assert hits > 100


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (6, 9), (8, 8)], ids=str)
@pytest.mark.parametrize("smooth", [False, True])
def test_peaks_are_the_greatest_heights_of_blocks(shape: tuple[int, int], smooth: bool) -> None:
    heights = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    base = heights
    if smooth:
        wide = np.pad(heights, 1, mode="edge")
        base = np.max([wide[:-1, :-1], wide[1:, :-1], wide[:-1, 1:], wide[1:, 1:]], axis=0)
    found, tall = peaks(heights, smooth), base.shape[0] >= base.shape[1]
    found, base = (found, base) if tall else (found.T, base.T)
    rows, cols = base.shape
    assert (found[:rows, :cols] == base).all()
    for k in range(1, (max(rows, cols) - 1).bit_length() + 1):
        side, top = 2**k, power_of_two(rows) - 2 * power_of_two(rows) // 2**k
        for i in range(-(-rows // side)):
            for j in range(-(-cols // side)):
                block = base[i * side : (i + 1) * side, j * side : (j + 1) * side]
                assert found[top + i, cols + j] == block.max()


def test_means_of_blocks() -> None:
    heights = np.random.default_rng(0).uniform(0, 1, (16, 8)).astype(np.float32)
    for found in (means(heights), means(np.ascontiguousarray(heights.T)).T):
        assert found[:8, :4] == pytest.approx(heights.reshape(8, 2, 4, 2).mean((1, 3)), rel=1e-6)
        assert found[8:12, :2] == pytest.approx(heights.reshape(4, 4, 2, 4).mean((1, 3)), rel=1e-6)


def test_heights_over_a_domain_that_nearly_overflows() -> None:
    most = float(np.finfo(np.float64).max)
    assert normalised(np.array([-most, 0.0, most]), (-most, most)).tolist() == [0, 0.5, 1]


def test_detail_follows_the_camera() -> None:
    bounds, picture = (4096.0, 600.0, 4096.0), Rect(0, 0, 1000, 800)
    levels = [
        ground_level(Camera3D(30, 30, distance), bounds, picture, range(13)) for distance in (0.02, 0.3, 1.4, 10, 90)
    ]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert 2 <= levels[2] <= 4
    assert ground_level(Camera3D(0, 90, 2, None, 0.0), (16.0, 3.0, 16.0), picture, range(5)) == 0
