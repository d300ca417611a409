"""Bricks against float64 block reduction, and the invariants of methods.md §4 in three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.arrays.backend import available_gpu
from nnscope.compute.pyramid import volume as pyramid3d
from nnscope.compute.pyramid.device import device_volume_levels
from nnscope.core.errors import Cancelled
from nnscope.core.picture import State
from tests.arrays.shim import host
from tests.compute.dtypes import dtype_of
from tests.compute.peak import peak_bytes

if TYPE_CHECKING:
    from nnscope.compute.pyramid.levels import Level

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)).filter(lambda shape: max(shape) > 1)


def check(level: Level, x: np.ndarray, k: int, padding: np.ndarray | None = None) -> None:
    """Every brick against the elements under it, in float64."""
    side = 2**k
    assert level.mean.shape == pyramid3d.volume_level_shape(x.shape, k)
    for place in np.ndindex(level.mean.shape):
        window = tuple(slice(i * side, (i + 1) * side) for i in place)
        held = x[window].astype(np.float64).ravel()
        if padding is not None:
            held = held[~padding[window].ravel()]
        finite, odd = held[np.isfinite(held)], held[~np.isfinite(held)]
        assert level.count[place] == finite.size
        if finite.size:
            size = np.abs(finite).max() + 1e-30
            assert abs(level.mean[place] - finite.mean()) <= 2e-6 * size
            assert (level.min[place], level.max[place]) == (np.float32(finite.min()), np.float32(finite.max()))
            assert abs(level.std[place] - (exact := finite.std())) <= max(1e-4 * exact, 1e-5 * size)
        expected = 0
        for state, test in ((State.NEGINF, odd == -np.inf), (State.POSINF, odd == np.inf), (State.NAN, np.isnan(odd))):
            expected = state if test.any() else expected
        assert level.odd[place] == expected


@settings(max_examples=60, deadline=None)
@given(
    shapes,
    st.sampled_from([np.float32, np.float64, np.float16, np.int32, np.bool_]),
    st.sampled_from(["finite", "odd", "padded"]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_levels_are_block_reductions(
    shape: tuple[int, int, int], dtype: type, kind: str, fast: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=shape) * 30).astype(dtype)
    if kind == "odd" and x.dtype.kind == "f":
        x[rng.random(shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf])
    padding = rng.random(shape) < 0.3 if kind == "padded" else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid3d, "COMPILED_FROM", 0 if fast else 1 << 62)
        patch.setattr(pyramid3d, "_SLAB", 100)
        levels = pyramid3d.volume_levels(x, padding)
    assert len(levels) == pyramid3d.volume_level_count(shape) - 1
    for k, level in enumerate(levels, 1):
        check(level, x, k, padding)


def test_the_top_brick_is_the_tensor() -> None:
    x = np.random.default_rng(0).normal(3, 1, (170, 171, 173)).astype(np.float32)  # large enough for compiled code
    assert x.size >= pyramid3d.COMPILED_FROM
    levels = pyramid3d.volume_levels(x)
    top = levels[-1]
    assert top.count.item() == x.size
    assert (top.min.item(), top.max.item()) == (x.min(), x.max())
    assert top.mean.item() == pytest.approx(x.mean(dtype=np.float64), abs=1e-6)
    assert top.std.item() == pytest.approx(x.std(dtype=np.float64), rel=1e-6)
    for level in levels:
        weighted = (level.mean * level.count).sum() / level.count.sum(dtype=np.int64)
        assert weighted == pytest.approx(top.mean.item(), rel=1e-9)


@pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")
@settings(max_examples=25, deadline=None)
@given(shapes, st.sampled_from(["float32", "float64", "float16", "bfloat16", "uint8"]), st.integers(0, 2**32 - 1))
def test_the_device_makes_the_same_levels(shape: tuple[int, int, int], name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(30, 10, shape).clip(0, 100).astype(dtype_of(name))
    if name != "uint8":
        x[rng.random(shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    found = device_volume_levels(x, host.launch)
    for a, b in zip(found, pyramid3d.volume_levels(x), strict=True):
        for field in ("count", "odd", "min", "max"):
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field), field)
        np.testing.assert_allclose(a.mean, b.mean, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(a.std, b.std, rtol=1e-5, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not available_gpu(), reason="there is no CUDA device for CuPy")
def test_on_a_device() -> None:
    import cupy

    x = np.random.default_rng(0).normal(size=(31, 64, 45)).astype(np.float16)
    for a, b in zip(device_volume_levels(cupy.asarray(x)), pyramid3d.volume_levels(x), strict=True):
        np.testing.assert_array_equal(a.max, b.max)
        np.testing.assert_allclose(a.mean, b.mean, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3, 3), (1, 1, 1), (0, 0, 0)], ids=str)
def test_nothing_to_join_has_no_levels(shape: tuple[int, int, int]) -> None:
    assert pyramid3d.volume_levels(np.zeros(shape)) == ()


def test_strided_volumes_and_progress() -> None:
    x = np.random.default_rng(0).normal(size=(9, 10, 22)).astype(np.float32)[:, ::-1, ::2]
    seen: list[tuple[int, int]] = []
    for k, level in enumerate(pyramid3d.volume_levels(x, progress=lambda *at: seen.append(at)), 1):
        check(level, x, k)
    assert seen == [(1, 1)]

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pyramid3d.volume_levels(x, progress=cancel)


def test_memory_is_bounded() -> None:
    x = np.random.default_rng(0).normal(size=(170, 171, 173)).astype(np.float32)
    output = sum(level.nbytes for level in pyramid3d.volume_levels(x))
    assert peak_bytes(lambda: pyramid3d.volume_levels(x)) <= 2 * x.nbytes + output
