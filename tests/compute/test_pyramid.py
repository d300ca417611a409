"""The pyramid against float64 block reduction, and the invariants of methods.md §4."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.arrays.backend import available_gpu
from nnscope.compute.pyramid import device as pyramid_device
from nnscope.compute.pyramid import levels as pyramid
from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.core.picture import State, level_count, level_shape
from tests.arrays.shim import host
from tests.compute.dtypes import dtype_of
from tests.compute.peak import peak_bytes

needs_compiler = pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
dtypes = st.sampled_from([np.float32, np.float64, np.float16, np.int32, np.uint8, np.bool_])


def all_levels(x: np.ndarray, padding: np.ndarray | None = None) -> list[pyramid.Level]:
    levels = [pyramid.level_from_array(x, padding)]
    while levels[-1].shape != (1, 1):
        levels.append(pyramid.reduce_level(levels[-1]))
    return levels


def check(level: pyramid.Level, x: np.ndarray, k: int, padding: np.ndarray | None = None) -> None:
    """Every cell against the elements under it, in float64."""
    side, variance = 2**k, level.variance
    assert level.shape == level_shape(x.shape, k)
    for r, c in np.ndindex(level.shape):
        window = (slice(r * side, (r + 1) * side), slice(c * side, (c + 1) * side))
        held = x[window].astype(np.float64).ravel()
        if padding is not None:
            held = held[~padding[window].ravel()]
        finite = held[np.isfinite(held)]
        assert level.count[r, c] == len(finite)
        if len(finite):
            size = np.abs(finite).max() + 1e-30
            assert abs(level.mean[r, c] - finite.mean()) <= 2e-6 * size
            assert level.min[r, c] == np.float32(finite.min())
            assert level.max[r, c] == np.float32(finite.max())
            assert abs(variance[r, c] - (exact := finite.var())) <= max(1e-4 * exact, 1e-6 * size**2)
        odd = held[~np.isfinite(held)]
        expected = 0
        for state, test in ((State.NEGINF, odd == -np.inf), (State.POSINF, odd == np.inf), (State.NAN, np.isnan(odd))):
            expected = state if test.any() else expected
        assert level.odd[r, c] == expected


@settings(max_examples=40)
@given(shapes, dtypes, st.integers(0, 2**32 - 1))
def test_levels_are_block_reductions(shape: tuple[int, int], dtype: type, seed: int) -> None:
    x = (np.random.default_rng(seed).normal(size=shape) * 30).astype(dtype)
    levels = all_levels(x)
    assert len(levels) == level_count(shape)
    for k, level in enumerate(levels):
        check(level, x, k)


@given(
    arrays.arrays(np.float32, shapes, elements=st.sampled_from([0.0, 1.0, -2.5, 1e30, np.nan, np.inf, -np.inf])),
    st.integers(0, 3),
    st.booleans(),
)
def test_odd_values_and_padding_never_enter_a_mean(x: np.ndarray, k: int, pad: bool) -> None:
    padding = np.random.default_rng(0).random(x.shape) < 0.3 if pad else None
    level = pyramid.reduce_times(x, k, padding)
    x64 = x.astype(np.float64)
    check(level, np.where(np.abs(x64) == 1e30, x64, x64), k, padding)


@given(shapes, st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_going_many_levels_at_once_is_the_same(shape: tuple[int, int], k: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(100, 1, shape).astype(np.float32)
    check(pyramid.reduce_times(x, k), x, k)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.sampled_from([np.float32, np.float16, np.float64, np.int32]),
    st.sampled_from(["finite", "odd", "padded"]),
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
)
def test_compiled_code_makes_the_same_levels(
    shape: tuple[int, int], dtype: type, kind: str, base: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(3, 10, shape)).astype(dtype)
    padding = None
    if kind == "odd" and x.dtype.kind == "f":
        x[rng.random(shape) < 0.001] = rng.choice([np.nan, np.inf, -np.inf])
    elif kind == "padded":
        padding = rng.random(shape) < 0.3
    base = min(base, level_count(shape) - 1)

    def read(rows: tuple[int, int], cols: tuple[int, int]) -> tuple[np.ndarray, np.ndarray | None]:
        where = slice(*rows), slice(*cols)
        return x[where], None if padding is None else padding[where]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "_BAND", 1 << 13)
        plain = pyramid.build_levels(read, shape, base)
        patch.setattr(pyramid, "COMPILED_FROM", 0)
        fast = pyramid.build_levels(read, shape, base)
        same_levels((pyramid.reduce_times(x, base, padding),), plain[:1])
    same_levels(fast, plain)


def same_levels(fast: tuple[pyramid.Level, ...], plain: tuple[pyramid.Level, ...]) -> None:
    assert len(fast) == len(plain)
    for a, b in zip(fast, plain, strict=True):
        for name in ("count", "odd", "min", "max"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
        np.testing.assert_allclose(a.mean, b.mean, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(a.std, b.std, rtol=1e-5, atol=1e-5)


def test_compiled_code_survives_any_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "COMPILED_FROM", 0)
    x = (1e6 + np.random.default_rng(0).integers(0, 2, (64, 64))).astype(np.float32)
    assert pyramid.reduce_times(x, 6).variance[0, 0] == pytest.approx(x.astype(np.float64).var(), rel=1e-6)
    huge = pyramid.reduce_times(np.array([[1e300, -1e300], [1.0, 2.0]]), 1)
    assert all(np.isfinite(a).all() for a in huge.arrays)
    constant = pyramid.reduce_times(np.full((37, 53), 0.1, np.float32), 5)
    np.testing.assert_array_equal(constant.mean, np.float32(0.1))
    assert not constant.std.any()


def test_memory_is_bounded() -> None:
    x = np.random.default_rng(0).normal(size=(2100, 3001)).astype(np.float32)
    output = sum(
        level.nbytes for level in pyramid.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), x.shape, 1)
    )
    peak = peak_bytes(lambda: pyramid.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), x.shape, 1))
    assert peak <= 2 * x.nbytes + output


def test_top_cell_is_the_tensor() -> None:
    x = np.random.default_rng(0).normal(size=(129, 257)).astype(np.float32)
    top = all_levels(x)[-1]
    assert top.count[0, 0] == x.size
    assert (top.min[0, 0], top.max[0, 0]) == (x.min(), x.max())
    assert top.mean[0, 0] == pytest.approx(x.mean(dtype=np.float64), abs=1e-7)


def test_area_weighted_mean_is_kept_on_every_level() -> None:
    x = np.random.default_rng(3).normal(5, 1, (131, 67)).astype(np.float32)
    for level in all_levels(x):
        weighted = (level.mean.astype(np.float64) * level.count).sum() / level.count.sum()
        assert weighted == pytest.approx(x.mean(dtype=np.float64), rel=1e-6)


def test_one_outlier_stays_visible_in_extremes() -> None:
    x = np.zeros((513, 700), np.float32)
    x[400, 600] = -7
    values, states = pyramid.tile_values(all_levels(x)[-1], "extremes", (slice(None), slice(None)))
    assert values.tolist() == [[-7]]
    x[3, 3] = np.nan
    _, states = pyramid.tile_values(all_levels(x)[-1], "extremes", (slice(None), slice(None)))
    assert states.tolist() == [[State.NAN]]
    values, states = pyramid.tile_values(all_levels(x)[-1], "mean", (slice(None), slice(None)))
    assert states.tolist() == [[State.FINITE]]


def test_cells_without_a_number_say_what_they_are() -> None:
    x = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    padding = np.array([[False, False, False, True]])
    for reduction in pyramid.REDUCTIONS:
        values, states = pyramid.tile_values(pyramid.level_from_array(x, padding), reduction, (slice(None),) * 2)
        assert states.tolist() == [[State.NAN, State.POSINF, State.NEGINF, State.PADDING]]
        assert not values.any()


def test_variance_survives_a_large_mean() -> None:
    x = (1e6 + np.random.default_rng(0).integers(0, 2, (64, 64))).astype(np.float32)
    assert all_levels(x)[-1].variance[0, 0] == pytest.approx(x.astype(np.float64).var(), rel=1e-3)
    assert pyramid.reduce_times(x, 6).variance[0, 0] == pytest.approx(x.astype(np.float64).var(), rel=1e-2)


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(NnscopeError, match="no reduction"):
        pyramid.tile_values(pyramid.level_from_array(np.zeros((1, 1))), "median", (slice(None),) * 2)


@pytest.mark.parametrize("grid", [(1, 1), (37, 53), (1, 300), (300, 1), (64, 64)], ids=str)
@pytest.mark.parametrize("base", [0, 2])
def test_streaming_builds_every_level(grid: tuple[int, int], base: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyramid, "_BAND", 200)
    x = np.random.default_rng(0).normal(size=grid).astype(np.float16)
    padding = np.zeros(grid, bool)
    padding[-1, grid[1] // 2 :] = True
    seen: list[tuple[int, int]] = []
    levels = pyramid.build_levels(
        lambda rows, cols: (x[slice(*rows), slice(*cols)], padding[slice(*rows), slice(*cols)]),
        grid,
        min(base, level_count(grid) - 1),
        lambda done, total: seen.append((done, total)),
    )
    assert levels[-1].shape == (1, 1)
    for number, level in enumerate(levels, min(base, level_count(grid) - 1)):
        check(level, x, number, padding)
    assert seen[-1][0] == seen[-1][1] == len(seen)


def test_streaming_stops_when_asked() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pyramid.build_levels(lambda rows, cols: (np.zeros((8, 8)), None), (8, 8), 1, cancel)


@pytest.mark.parametrize("size", [1e-30, 1e30, 3e38])
def test_any_magnitude(size: float) -> None:
    x = (np.random.default_rng(0).uniform(-1, 1, (70, 70)) * size).astype(np.float32)
    for level in (pyramid.reduce_times(x, 7), all_levels(x)[-1]):
        assert level.mean[0, 0] == pytest.approx(x.mean(dtype=np.float64), rel=1e-5, abs=1e-8 * size)
        assert level.std[0, 0] == pytest.approx(x.astype(np.float64).std(), rel=1e-5)
        values, _ = pyramid.tile_values(level, "variance", (slice(None), slice(None)))
        assert np.isfinite(values).all()


def test_a_cell_keeps_its_precision_beside_a_huge_one() -> None:
    x = np.full((4, 8), 1e30, np.float32)
    x[:, 4:] = 1 + np.arange(4) / 8
    level = pyramid.reduce_times(x, 2)
    assert level.mean[0, 1] == pytest.approx(x[:, 4:].mean())
    assert level.variance[0, 1] == pytest.approx(x[:, 4:].astype(np.float64).var())


def test_float64_beyond_float32_stays_finite() -> None:
    level = pyramid.reduce_times(np.array([[1e300, -1e300], [1.0, 2.0]]), 1)
    for reduction in pyramid.REDUCTIONS:
        values, states = pyramid.tile_values(level, reduction, (slice(None), slice(None)))
        assert np.isfinite(values).all()
        assert not states.any()


def test_an_empty_grid_has_no_cells() -> None:
    for shape in ((0, 5), (5, 0), (0, 0)):
        level = pyramid.reduce_times(np.zeros(shape), 1)
        assert 0 in level.shape


def test_what_lies_in_padding_does_not_matter() -> None:
    x = np.full((2, 4), 3.0, np.float32)
    x[0, 0] = 1e30
    padding = np.zeros(x.shape, bool)
    padding[0, 0] = True
    level = pyramid.reduce_times(x, 1, padding)
    assert level.mean.tolist() == [[3.0, 3.0]]
    assert level.std.tolist() == [[0.0, 0.0]]


@needs_compiler
@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 150)).filter(lambda shape: max(shape) > 1),
    st.sampled_from(["float32", "float64", "float16", "bfloat16", "int32", "uint8"]),
    st.booleans(),
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
)
def test_the_device_makes_the_same_levels(shape: tuple[int, int], name: str, odd: bool, base: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(30, 10, shape).clip(0, 100).astype(dtype_of(name))
    if odd and name in ("float32", "float64", "float16", "bfloat16"):
        x[rng.random(shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    base = min(base, level_count(shape) - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid_device, "block_elements", lambda array, each: 64 * shape[1])
        found = pyramid_device.device_levels(x, base, host.launch)
    same_levels(found, pyramid.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), shape, base))


@pytest.mark.gpu
@pytest.mark.skipif(not available_gpu(), reason="there is no CUDA device for CuPy")
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int32])
def test_on_a_device(dtype: type) -> None:
    import cupy

    x = (np.random.default_rng(0).normal(5, 20, (2001, 3333))).astype(dtype)
    found = pyramid_device.device_levels(cupy.asarray(x), 1)
    same_levels(found, pyramid.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), x.shape, 1))


def test_levels_are_written_over_those_before_of_the_same_grid_alone() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 2050, 2051)).astype(np.float32)

    def levels(x: np.ndarray, room: tuple[pyramid.Level, ...] = ()) -> tuple[pyramid.Level, ...]:
        return pyramid.build_levels(lambda r, c: (x[slice(*r), slice(*c)], None), x.shape, 1, room=room)

    old, fresh = levels(first), levels(second)
    kept = [array.copy() for array in fresh[0].arrays]
    again = levels(second, old)
    assert np.shares_memory(again[0].mean, old[0].mean)
    assert np.shares_memory(again[2].max, old[2].max)
    for made, expected in zip(again, fresh, strict=True):
        for array, wanted in zip(made.arrays, expected.arrays, strict=True):
            np.testing.assert_array_equal(array, wanted)
    other = levels(first[:, :-3], fresh)
    assert not np.shares_memory(other[0].mean, fresh[0].mean)
    for array, wanted in zip(fresh[0].arrays, kept, strict=True):
        np.testing.assert_array_equal(array, wanted)
