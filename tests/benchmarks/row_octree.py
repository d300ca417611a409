"""Row ``octree``: dense volumes of 256³, scattered points, cuts, and time against the number of voxels.

Beside a copy, what counts is bytes read and written in a second; ours counts its input once and the minimum, maximum
and mean of every level, though it writes variance and mean |x| in the same pass.

Open3D's octree is over points: the occupied voxels (5 %) of a 256³ volume, down to the same depth 8, in vectors of its
own that are ready before. It keeps a colour for each leaf. Beside it stand our dense octree of that volume, empty
voxels too, and our octree of those points; both hold mean, variance, minimum, maximum and counts of every block.

The gates: levels are NumPy's block reductions, leaves without tolerance give the volume back to the bit, points are
found again in their cells, and Open3D's leaves are as many as there are occupied voxels.
"""

from __future__ import annotations

import importlib.util
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import available_gpu
from nnscope.compute.octree.cut import cut, cut_leaves
from nnscope.compute.octree.dense import HIGH, LOW, MEAN, dense_octree
from nnscope.compute.octree.nodes import Tolerance, reconstruct
from nnscope.compute.octree.points import point_octree
from tests.benchmarks.gpu import device_seconds
from tests.benchmarks.measure import (
    REPEATS,
    Goal,
    Result,
    absolute,
    compared,
    interleaved,
    missing,
    ratio_interval,
    seconds,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 256
POINTS, POINTS_SIDE = 10_000_000, 512
OCCUPIED = 0.05
SIZES = (32, 64, 128, 256, 512)


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    repeats, side = (2, SIDE // 2) if quick else (REPEATS, SIDE)
    x = np.random.default_rng(0).standard_normal((side,) * 3, np.float32)
    _check(x)
    return [
        _against_copy(x, repeats),
        *_against_open3d(side, min(repeats, 3)),
        *_points(POINTS // 10 if quick else POINTS, repeats),
        *_cuts(x, repeats),
        _scaling(SIZES[:-1] if quick else SIZES, repeats),
        *_on_a_device(),
    ]


def _against_copy(x: np.ndarray, repeats: int) -> Result:
    target = np.empty_like(x)
    ours, copy = interleaved(_timer(lambda: dense_octree(x)), _timer(partial(np.copyto, target, x)), repeats)
    moved = x.nbytes + sum(3 * level[MEAN].nbytes for level in dense_octree(x).levels)
    figure, low, high = (ratio * moved / (2 * x.nbytes) for ratio in ratio_interval(copy, ours))
    note = f"share of np.copyto's bytes a second; {moved / 1e6:.0f} MB in {np.median(ours) * 1e3:.3g} ms"
    goal, medians = Goal(0.25, at_least=True), (float(np.median(ours)), float(np.median(copy)))
    return Result("octree", f"all levels of {len(x)}³", *medians, figure, low, high, goal, note=note)


def _against_open3d(side: int, repeats: int) -> list[Result]:
    goal, what = Goal(1 / 50), f"{side}³, {OCCUPIED:.0%} occupied"
    if importlib.util.find_spec("open3d") is None:
        return [missing("octree", what, "Open3D is not installed (extra bench)", goal)]
    import open3d

    small = _occupied(32)
    assert _leaf_count(_open3d_octree(_cloud(small), 32)) == np.count_nonzero(small)
    x = _occupied(side)
    cloud, cells, values = _cloud(x), np.argwhere(x).astype(np.int32), x[x != 0]
    theirs = _timer(lambda: _open3d_octree(cloud, side))
    dense = interleaved(_timer(lambda: dense_octree(x)), theirs, repeats)
    points = interleaved(_timer(lambda: point_octree(cells, values)), theirs, repeats)
    note = f"Open3D {open3d.__version__}, from {len(cells)} points"
    return [
        compared("octree", f"{what}: dense octree", dense, goal, note),
        compared("octree", f"{what}: octree of the points", points, goal, note),
    ]


def _occupied(side: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    x = np.where(rng.random((side,) * 3) < OCCUPIED, rng.standard_normal((side,) * 3), 0).astype(np.float32)
    x[0, 0, 0] = x[-1, -1, -1] = 1  # so that the points reach from end to end
    return x


def _cloud(x: np.ndarray) -> Any:
    import open3d

    cells, held = np.argwhere(x), x[x != 0]
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(cells.astype(np.float64)))
    cloud.colors = open3d.utility.Vector3dVector(np.repeat(held[:, None], 3, axis=1).astype(np.float64))
    return cloud


def _open3d_octree(cloud: Any, side: int) -> Any:
    """Its cube is that of the points, expanded: by a cell, less what keeps points off the faces between cells."""
    import open3d

    tree = open3d.geometry.Octree(max_depth=(side - 1).bit_length())
    tree.convert_from_point_cloud(cloud, size_expand=(1 - 1e-7) * side / (side - 1) - 1)
    return tree


def _leaf_count(tree: Any) -> int:
    import open3d

    found = 0

    def visit(node: Any, info: Any) -> bool:
        nonlocal found
        found += isinstance(node, open3d.geometry.OctreeLeafNode)
        return False

    tree.traverse(visit)
    return found


def _points(count: int, repeats: int) -> list[Result]:
    rng = np.random.default_rng(2)
    uniform = rng.integers(0, POINTS_SIDE, (count, 3)).astype(np.int32)
    centres = rng.integers(POINTS_SIDE // 8, POINTS_SIDE * 7 // 8, (50, 3))
    blobs = centres[rng.integers(0, 50, count)] + rng.normal(0, POINTS_SIDE / 40, (count, 3))
    clustered = blobs.clip(0, POINTS_SIDE - 1).astype(np.int32)
    values = rng.standard_normal(count, np.float32)
    results = []
    for name, cells in (("uniform", uniform), ("clustered", clustered)):
        tree = point_octree(cells, values)
        assert (np.diff(tree.codes) >= 0).all()
        assert len(tree.nodes.where(tree.nodes.level == 0)) == len(np.unique(cells @ (POINTS_SIDE ** np.arange(3))))
        rates = [count / seconds(lambda cells=cells: point_octree(cells, values)) for _ in range(repeats)]
        note = f"in {POINTS_SIDE}³: codes, sort, {len(tree.nodes):.3g} nodes with statistics"
        results.append(absolute("octree", f"{count:.0e} points, {name}", rates, Goal(1e7, True), "points/s", note))
    return results


def _cuts(x: np.ndarray, repeats: int) -> list[Result]:
    """Leaves of the built tree at other tolerances, as a slider asks for them."""
    smooth = _smooth(len(x))
    results = []
    for name, volume, epsilon in (("smooth", smooth, 0.5), ("white noise", x, 0.0)):
        tree, tolerance = dense_octree(volume), Tolerance(epsilon * float(volume.std()), density=1.0)
        found = cut(tree, tolerance)
        times = [seconds(lambda tree=tree, tolerance=tolerance: cut(tree, tolerance)) for _ in range(repeats)]
        note = f"{found.leaf_count:.3g} leaves, compression {found.compression:.3g}, error {found.max_error:.3g}"
        results.append(absolute("octree", f"cut of {len(x)}³, {name}", times, Goal(0.05), note=note))
        if found.leaf_count < x.size // 8:
            lists = [seconds(lambda found=found: cut_leaves(found)) for _ in range(repeats)]
            results.append(absolute("octree", f"leaves of that cut as arrays, {name}", lists, Goal(0.05)))
    return results


def _smooth(side: int) -> np.ndarray:
    """A sum of a few waves, of standard deviation 1."""
    z, y, x = np.meshgrid(*[np.linspace(0, 2 * math.pi, side, dtype=np.float32)] * 3, indexing="ij", sparse=True)
    waves = np.sin(3 * x + y) * np.cos(2 * z) + np.cos(4 * y) * np.sin(z + x)
    return np.asarray(waves / waves.std(), np.float32)


def _scaling(sizes: tuple[int, ...], repeats: int) -> Result:
    """The exponent b of time ∝ Nᵇ; N·log N from 32³ to 512³ would be 1.07."""
    medians = []
    for side in sizes:
        x = np.random.default_rng(3).standard_normal((side,) * 3, np.float32)
        dense_octree(x)
        medians.append(float(np.median([seconds(partial(dense_octree, x)) for _ in range(repeats)])))
    logs = 3 * np.log(sizes)
    exponent = float(np.polyfit(logs, np.log(medians), 1)[0])
    note = "exponent of time against voxels: " + ", ".join(
        f"{side}³ {t * 1e3:.3g} ms" for side, t in zip(sizes, medians, strict=True)
    )
    return Result("octree", "cost", medians[-1], None, exponent, exponent, exponent, Goal(1.1), note=note)


def _check(x: np.ndarray) -> None:
    tree = dense_octree(x)
    block = x
    for level in tree.levels:
        half = len(block) // 2
        parts = block.reshape(half, 2, half, 2, half, 2)
        block = parts.mean(axis=(1, 3, 5), dtype=np.float64)
        np.testing.assert_allclose(level[MEAN], block, atol=1e-6)
    np.testing.assert_array_equal(tree.levels[-1][[LOW, HIGH], 0, 0, 0], [x.min(), x.max()])
    part = np.ascontiguousarray(x[:64, :64, :64])
    np.testing.assert_array_equal(reconstruct(cut_leaves(cut(dense_octree(part), Tolerance())), part.shape), part)


def _timer(work: Callable[[], object]) -> Callable[[], float]:
    return partial(seconds, work)


def _on_a_device() -> list[Result]:
    if not available_gpu():
        return []
    import cupy

    x = cupy.random.default_rng(0).standard_normal((1000, 1000, 1000), dtype=cupy.float32)
    times = [device_seconds(lambda: dense_octree(x)) for _ in range(REPEATS)]
    return [absolute("octree", "1e9 float32 resident", times, Goal(0.005), note=available_gpu().name)]
