"""Every block of every level against the voxels under it, by every path that builds one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.arrays import cuda
from nnscope.arrays.backend import available_gpu
from nnscope.compute.octree import dense as module
from nnscope.compute.octree.dense import DenseOctree, dense_octree
from nnscope.compute.octree.density import dense_magnitude
from nnscope.core.errors import Cancelled, NnscopeError
from tests.arrays.shim import host
from tests.compute.peak import peak_bytes

shapes = st.tuples(*[st.integers(1, 9)] * 3)
FLOAT32_MAX = float(np.finfo(np.float32).max)


def plain(x: np.ndarray) -> DenseOctree:
    return dense_octree(x)


def compiled(x: np.ndarray) -> DenseOctree:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALL", 0)
        patch.setattr(module, "_SLAB", 100)
        return dense_octree(x)


def device(x: np.ndarray) -> DenseOctree:
    """The CUDA text on the host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuda, "launch", host.launch)
        return module._on_device(np.ascontiguousarray(x, np.float32), np)


def gpu(x: np.ndarray) -> DenseOctree:
    import cupy

    return dense_octree(cupy.asarray(x)).to_host()


needs_compiler = pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")
needs_gpu = pytest.mark.skipif(not available_gpu(), reason="there is no GPU that CuPy can use")
PATHS = [
    plain,
    compiled,
    pytest.param(device, marks=needs_compiler),
    pytest.param(gpu, marks=[pytest.mark.gpu, needs_gpu]),
]
every_path = pytest.mark.parametrize("build", PATHS)


def check(tree: DenseOctree, x: np.ndarray) -> None:
    """All levels against float64 reductions."""
    assert tree.shape == x.shape
    assert tree.depth == max(0, *((size - 1).bit_length() for size in x.shape))
    for number, level in enumerate(tree.levels, 1):
        side = 2**number
        assert level.shape[1:] == tuple(-(-size // side) for size in x.shape)
        for place in np.ndindex(level.shape[1:]):
            held = x[tuple(slice(side * i, side * i + side) for i in place)].astype(np.float64)
            odd = tree.odd[number - 1][place] if tree.odd else 0
            assert tree.counts(number)[place] == held.size
            assert odd == held.size - np.isfinite(held).sum()
            check_block(level[(slice(None), *place)], held[np.isfinite(held)])


def check_block(fields: np.ndarray, held: np.ndarray) -> None:
    mean, variance, low, high, magnitude = map(float, fields)
    if not held.size:
        assert (mean, variance, low, high, magnitude) == (0, 0, np.inf, -np.inf, 0)
        return
    size = np.abs(held).max()
    assert (low, high) == (held.min(), held.max())
    assert low <= mean <= high
    assert mean == pytest.approx(held.mean(), abs=1e-6 * size + 1e-44)
    assert magnitude == pytest.approx(np.abs(held).mean(), rel=1e-6, abs=1e-44)
    assert variance == pytest.approx(min(held.var(), FLOAT32_MAX), rel=2e-5, abs=1e-12 * size**2 + 1e-44)


@every_path
@settings(max_examples=12, deadline=None)
@given(shapes, st.integers(0, 2**32 - 1))
def test_blocks_are_reductions(build: object, shape: tuple[int, int, int], seed: int) -> None:
    x = (np.random.default_rng(seed).normal(size=shape) * 30).astype(np.float32)
    check(build(x), x)


@every_path
@settings(max_examples=12, deadline=None)
@given(arrays.arrays(np.float32, shapes, elements=st.sampled_from([0.0, -0.0, 1.0, -2.5, np.nan, np.inf, -np.inf])))
def test_what_is_not_finite_is_counted_and_not_averaged(build: object, x: np.ndarray) -> None:
    check(build(x), x)


@every_path
@pytest.mark.parametrize("value", [0.0, 0.1, -3e38, FLOAT32_MAX, 1e-45, 1 / 3])
@pytest.mark.parametrize("shape", [(8, 8, 8), (5, 3, 7), (1, 1, 9)], ids=str)
def test_a_constant_is_its_mean_to_the_bit(build: object, shape: tuple[int, int, int], value: float) -> None:
    tree = build(np.full(shape, value, np.float32))
    for level in tree.levels:
        assert (level[module.MEAN] == np.float32(value)).all()
        assert not level[module.VARIANCE].any()


@every_path
@pytest.mark.parametrize("shape", [(8, 6, 10), (3, 5, 7)], ids=str)
def test_any_magnitude(build: object, shape: tuple[int, int, int]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, shape)
    for size in (1e-30, 1e18, 3e38):
        big = (x * size).astype(np.float32)
        top = build(big).levels[-1]
        assert np.isfinite(top).all()
        check_block(top[:, 0, 0, 0], big.astype(np.float64).ravel())


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 0, 0), (1, 1, 1)], ids=str)
@every_path
def test_nothing_and_one_voxel_have_no_levels(build: object, shape: tuple[int, int, int]) -> None:
    assert build(np.zeros(shape, np.float32)).depth == 0


def test_larger_volumes_by_slabs_and_threads() -> None:
    x = np.random.default_rng(1).normal(2, 1, (70, 129, 131)).astype(np.float32)
    x[3, 5, 7] = np.nan
    tree = dense_octree(x)
    top = tree.levels[-1][:, 0, 0, 0]
    assert tree.odd[-1].item() == 1
    check_block(top, x[np.isfinite(x)].astype(np.float64))
    side = 16
    block = x[16:32, 112:128, 128:].astype(np.float64)
    check_block(tree.levels[3][:, 1, 112 // side, 8], block.ravel())


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint16, bool])
def test_any_dtype_and_strides(dtype: type) -> None:
    x = (np.random.default_rng(0).normal(size=(6, 7, 8)) * 9).astype(dtype)
    check(dense_octree(x.transpose(2, 0, 1)[::-1]), x.transpose(2, 0, 1)[::-1].astype(np.float32))


def test_floats_are_not_copied() -> None:
    x = np.zeros((4, 4, 4), np.float32)
    assert np.shares_memory(dense_octree(x).values, x)


def test_two_axes_are_refused() -> None:
    with pytest.raises(NnscopeError, match="three axes"):
        dense_octree(np.zeros((4, 4)))


def test_building_stops_when_asked() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        dense_octree(np.zeros((4, 4, 4)), cancel)


def test_progress_ends_at_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLAB", 64)
    seen: list[tuple[int, int]] = []
    dense_octree(np.zeros((40, 8, 8)), lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert len(seen) > 1
    assert seen[-1] == (len(seen), len(seen))


def test_memory_is_that_of_the_levels() -> None:
    x = np.random.default_rng(0).normal(size=(80, 200, 200)).astype(np.float32)
    levels = 24 * x.size // 7  # five fields and a count on 1/8 + 1/64 + … of the voxels
    assert peak_bytes(lambda: dense_octree(x)) <= 2 * x.nbytes + levels
    x[::20, 0, 0] = np.nan
    assert peak_bytes(lambda: dense_octree(x)) <= 2 * x.nbytes + levels


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.float32, st.integers(0, 500), elements=st.floats(width=32)))
def test_the_dense_magnitude_is_a_quantile(x: np.ndarray) -> None:
    held = np.abs(x[np.isfinite(x)])
    expected = np.quantile(held, 0.995, method="inverted_cdf") if held.size else 0.0
    assert dense_magnitude(x) == (expected or held.max(initial=0))
