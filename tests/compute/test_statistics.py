"""All statistics against float64 NumPy on the same data, over dtypes, layouts, odd values and every path."""

from __future__ import annotations

import math
from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.arrays import cuda
from nnscope.arrays.backend import available_gpu
from nnscope.compute.blocks import Blocks
from nnscope.compute.statistics import looks, looks_device, outline
from nnscope.compute.statistics.looks_device import DeviceLooker
from nnscope.compute.statistics.summary import statistics, stats_of_array
from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.core.statistics import TensorStats
from tests.arrays.shim import host
from tests.compute.dtypes import tensors
from tests.compute.peak import peak_bytes

needs_compiler = pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")


def finite_of(x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64).ravel()
    return x64[np.isfinite(x64)]


def check(found: TensorStats, x: np.ndarray) -> None:
    """Everything that `found` says of `x`."""
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64).ravel()
    finite = finite_of(x)
    assert found.count == x.size
    assert (found.nan, found.posinf) == (np.isnan(x64).sum(), (x64 == np.inf).sum())
    assert (found.neginf, found.finite) == ((x64 == -np.inf).sum(), finite.size)
    assert found.histogram.shape == (256,)
    assert found.histogram.dtype == np.int64
    assert found.histogram.sum() == found.finite
    if not finite.size:
        assert np.isnan([found.min, found.max, found.mean, found.variance, found.abs_mean, found.median]).all()
        return
    size, std = np.abs(finite).max(), finite.std()
    assert (found.min, found.max, found.abs_max) == (finite.min(), finite.max(), size)
    assert (found.zeros, found.positive) == ((finite == 0).sum(), (finite > 0).sum())
    assert found.near_zero == (np.abs(finite) <= 1e-6 * size).sum()
    assert found.mean == pytest.approx(finite.mean(), rel=1e-6, abs=max(1e-7 * std, 1e-12 * size))
    assert found.variance == pytest.approx(finite.var(), rel=1e-6, abs=1e-24 * size**2)
    assert found.abs_mean == pytest.approx(np.abs(finite).mean(), rel=1e-6)


def check_quantiles(found: TensorStats, x: np.ndarray) -> None:
    finite = finite_of(x)
    if not finite.size:
        return
    median = np.median(finite)
    nonzero = np.abs(finite[finite != 0])
    error = found.quantile_error * (1 + 1e-12) + 1e-12 * np.abs(finite).max()
    assert found.median == pytest.approx(median, abs=error)
    assert found.mad == pytest.approx(np.median(np.abs(finite - median)), abs=error)
    assert found.median_abs_nonzero == pytest.approx(np.median(nonzero) if nonzero.size else 0.0, abs=error)


@given(tensors())
def test_agrees_with_numpy(x: np.ndarray) -> None:
    found = stats_of_array(x)
    check(found, x)
    assert found.quantile_error == 0
    check_quantiles(found, x)


@given(tensors(), st.integers(1, 40))
def test_blocks_of_any_size_agree(x: np.ndarray, elements: int) -> None:
    found = statistics(Blocks.of_array(x, elements))
    check(found, x)
    assert found.quantile_error == 0
    check_quantiles(found, x)


def each(x: np.ndarray, elements: int, by_compiled_code: bool) -> TensorStats:
    """Statistics of blocks, by NumPy or by compiled code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks, "COMPILED_FROM", 0 if by_compiled_code else 1 << 62)
        return statistics(Blocks.of_array(x, elements))


@settings(max_examples=150, deadline=None)
@given(tensors(most=20_000), st.integers(1, 9000))
def test_compiled_code_agrees_with_the_definition(x: np.ndarray, elements: int) -> None:
    elements = max(elements, x.size // 40 + 1)
    plain, fast = each(x, elements, False), each(x, elements, True)
    check(fast, x)
    check_quantiles(fast, x)
    same = [f.name for f in fields(TensorStats) if f.name not in ("histogram", "mean", "variance", "abs_mean")]
    for name in same:
        np.testing.assert_equal(getattr(fast, name), getattr(plain, name), name)
    np.testing.assert_array_equal(fast.histogram, plain.histogram)


@pytest.mark.parametrize(
    "kind", ["even", "wide", "far", "below", "signs", "ties", "huge", "tiny", "odd", "constant", "two scales"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_code_agrees_on_hard_ranges(kind: str, dtype: type) -> None:
    rng = np.random.default_rng(5)
    normal = rng.normal(size=50_001)
    x = {
        "even": normal,
        "wide": normal * 10.0 ** rng.integers(-20, 20, normal.size),
        "far": 1e6 + normal,
        "below": -np.abs(normal),
        "signs": np.copysign(np.maximum(np.abs(normal) - 1, 0), -np.arange(normal.size) % 7 - 3.5),
        "ties": np.maximum(np.round(normal * 4), 0),
        "huge": normal * (float(np.finfo(dtype).max) / 8),
        "tiny": normal * 100 * float(np.finfo(dtype).smallest_subnormal),
        "odd": np.where(rng.random(normal.size) < 0.3, rng.choice([np.nan, np.inf, -np.inf], normal.size), normal),
        "constant": np.full(normal.size, 0.1),
        "two scales": np.where(rng.random(normal.size) < 0.5, normal * 1e-7, normal),
    }[kind].astype(dtype)
    plain, fast = each(x, 9000, False), each(x, 9000, True)
    np.testing.assert_array_equal(fast.histogram, plain.histogram)
    for name in ("zeros", "near_zero", "positive", "nan", "min", "max", "median", "mad", "median_abs_nonzero"):
        assert getattr(fast, name) == getattr(plain, name), name
    for name in ("mean", "variance", "abs_mean"):
        assert getattr(fast, name) == pytest.approx(getattr(plain, name), rel=1e-9, abs=1e-9 * plain.std), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_even_tally_bounds_the_medians_by_itself(dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "GATHER_MOST", 50_000)
    x = np.random.default_rng(5).normal(0.3, 1, 50_001).astype(dtype)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(looks, "COMPILED_FROM", 0)
    found = statistics(Blocks.of_array(x, 9000), progress=lambda done, total: seen.append((done, total)))
    check(found, x)
    check_quantiles(found, x)
    np.testing.assert_array_equal(found.histogram, each(x, 9000, False).histogram)
    assert 0 < found.quantile_error <= 2 * (found.max - found.min) / 2**14
    assert seen[-1] == (18, 18)


def test_only_large_tensors_wait_for_compiled_code() -> None:
    block = np.zeros(1)
    assert isinstance(looks.looker(block, looks.COMPILED_FROM - 1), looks.NumpyLooker)
    assert isinstance(looks.looker(block, looks.COMPILED_FROM), looks.CompiledLooker)


def on_the_host(x: np.ndarray, elements: int, packs: bool) -> TensorStats:
    """Statistics by the device's text, built for the host."""

    def looker(block: np.ndarray, count: int) -> DeviceLooker:
        return DeviceLooker(np, host.launch, 1 << 18 if packs else 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks_device, "_THREADS", 64)
        patch.setattr(cuda, "multiprocessors", lambda: 2)
        patch.setattr("nnscope.compute.statistics.summary.looker", looker)
        return statistics(Blocks.of_array(x, elements))


@needs_compiler
@settings(max_examples=25, deadline=None)
@given(
    tensors(("float32", "float64", "float16", "bfloat16", "int32", "int8", "bool"), most=3000),
    st.integers(300, 3000),
    st.booleans(),
)
def test_the_device_agrees_with_the_definition(x: np.ndarray, elements: int, packs: bool) -> None:
    found, plain = on_the_host(x, elements, packs), each(x, elements, False)
    check(found, x)
    check_quantiles(found, x)
    np.testing.assert_array_equal(found.histogram, plain.histogram)
    assert (found.near_zero, found.zeros, found.median) == (plain.near_zero, plain.zeros, plain.median) or not x.size


@needs_compiler
@pytest.mark.parametrize("size", [1e-310, 1e154, 1e300], ids=str)
def test_the_device_takes_any_range(size: float) -> None:
    x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0] * 20) * size
    found, plain = on_the_host(x, 30, True), each(x, 30, False)
    np.testing.assert_array_equal(found.histogram, plain.histogram)
    assert found.variance == pytest.approx(plain.variance, rel=1e-9)
    assert (found.median, found.mad, found.near_zero) == (plain.median, plain.mad, plain.near_zero)


@pytest.mark.gpu
@pytest.mark.skipif(not available_gpu(), reason="there is no CUDA device for CuPy")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32, np.uint8])
def test_on_a_device(dtype: type) -> None:
    import cupy

    x = (np.random.default_rng(0).normal(5, 20, 3_000_001)).clip(0, 100).astype(dtype)
    found = stats_of_array(cupy.asarray(x))
    check(found, x)
    check_quantiles(found, x)
    np.testing.assert_array_equal(found.histogram, stats_of_array(x).histogram)


@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=["wide", "narrow"])
def test_memory_is_bounded(dtype: type) -> None:
    x = np.random.default_rng(0).normal(size=6_000_000).astype(dtype)
    assert peak_bytes(lambda: stats_of_array(x)) <= 2 * x.nbytes


@settings(max_examples=40)
@given(tensors(("float32", "float64", "int32")), st.integers(10, 40))
def test_medians_that_are_not_gathered_keep_their_bound(x: np.ndarray, elements: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "GATHER_MOST", -1)
        check_quantiles(statistics(Blocks.of_array(x, elements)), x)


@pytest.mark.parametrize("outlier", [0.0, 1e30])
def test_medians_that_are_not_gathered_are_close(outlier: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "GATHER_MOST", -1)
    x = np.random.default_rng(0).normal(3, 0.1, 100_001).astype(np.float32)
    x[0] += outlier
    found = statistics(Blocks.of_array(x, 30_000))
    assert 0 < found.quantile_error < 0.01 * found.mad + 0.01 * np.median(np.abs(x))
    check_quantiles(found, x)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60), st.integers(-6, 6))
def test_bins_are_equal_and_exact(values: list[int], exponent: int) -> None:
    x = np.array(values, np.float64) * 10.0**exponent
    low, high = Fraction(x.min()), Fraction(x.max())
    expected = np.zeros(256, int)
    for value in x:
        place = (Fraction(value) - low) * 256 / (high - low) if high > low else Fraction(0)
        expected[min(255, math.floor(place))] += 1
    found = stats_of_array(x).histogram
    # values on an edge up to the rounding of x − min in float64 may be on either side of it
    assert np.abs(np.cumsum(found) - np.cumsum(expected)).max() <= (0 if exponent == 0 else len(values))
    assert found.sum() == len(values)


def test_integers_on_edges_lie_in_the_bin_above() -> None:
    found = stats_of_array(np.arange(257, dtype=np.float32)).histogram
    assert found.tolist() == [1] * 255 + [2]
    found = stats_of_array(np.arange(0, 766, dtype=np.float32)).histogram  # 255·3: most edges are no integers
    assert found.sum() == 766
    assert set(found.tolist()) <= {2, 3}


def test_histogram_agrees_with_numpy() -> None:
    x = np.random.default_rng(0).normal(size=600_001).astype(np.float32)  # pairs of codes, an odd number of them
    expected = np.histogram(x.astype(np.float64), 256)[0]
    assert np.abs(stats_of_array(x).histogram - expected).sum() <= 4


@pytest.mark.parametrize(
    "x",
    [
        np.full(1000, 0.1, np.float32),
        np.full(300_000, 1e30),
        np.full(10, -7, np.int8),
        np.full(70_000, 0.1, np.float16),
        np.zeros(5),
    ],
    ids=["float32", "float64", "int8", "float16", "zeros"],
)
def test_a_constant_has_no_spread(x: np.ndarray) -> None:
    for found in (stats_of_array(x), statistics(Blocks.of_array(x, 999))):
        assert found.variance == 0.0
        assert found.mean == found.median == found.min == found.max == float(x[0])
        assert found.mad == 0.0
        assert found.histogram[0] == x.size


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e154, 1e300, 1.7e308])
def test_extremes_of_float64(size: float) -> None:
    x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0] * 20) * size
    for found in (stats_of_array(x), statistics(Blocks.of_array(x, 7))):
        assert found.histogram.sum() == 100
        assert (found.min, found.max) == (x.min(), x.max())
        assert found.histogram[0] >= 20
        assert found.histogram[-1] >= 20
        assert abs(found.mean) <= 1e-12 * size
        assert not math.isnan(found.variance)
        assert found.abs_mean == pytest.approx(0.6 * size, rel=0.2, abs=5e-324)


def test_a_mean_far_from_zero_does_not_spoil_the_variance() -> None:
    x = (1e6 + np.random.default_rng(0).integers(0, 2, 600_000)).astype(np.float32)
    assert stats_of_array(x).variance == pytest.approx(x.astype(np.float64).var(), rel=1e-9)
    y = 1e9 + np.random.default_rng(0).normal(size=600_000)
    assert stats_of_array(y).variance == pytest.approx((y - 1e9).var(), rel=1e-6)


def test_one_outlier_does_not_spoil_the_medians() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5, 1, 3_000_000).astype(np.float32)
    x[12345] = 1e30
    found = stats_of_array(x)
    assert found.quantile_error == 0
    check_quantiles(found, x)


def test_many_ties_at_the_median() -> None:
    x = np.maximum(np.random.default_rng(0).normal(size=2_500_000), 0).astype(np.float32)
    x[::7] = -0.0
    check_quantiles(stats_of_array(x), x)


def test_large_tensors_of_each_kind() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.02, 2_300_001)
    x[[5, 700_000]] = np.nan, -np.inf
    for array in (x, x.astype(np.float32), x.astype(np.float16)):
        found = stats_of_array(array)
        check(found, array)
        check_quantiles(found, array)


def test_a_component_of_complex_values() -> None:
    z = np.array([3 + 4j, 1j, complex(math.nan, 0)], np.complex64)
    assert stats_of_array(z).max == pytest.approx(5)
    assert stats_of_array(z, "imag").finite == 3
    assert stats_of_array(z, "real").nan == 1


def test_a_sample_is_labelled() -> None:
    found = statistics(Blocks.of_array(np.ones(10)), sampled=0.25)
    assert (found.sampled, found.count) == (0.25, 10)
    assert found.frobenius == pytest.approx(40**0.5)


def test_progress_rises_and_can_cancel() -> None:
    seen: list[tuple[int, int]] = []
    statistics(Blocks.of_array(np.arange(100.0), 10), progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, 21))
    assert {total for _, total in seen} == {20}
    seen.clear()
    statistics(
        Blocks.of_array(np.arange(100, dtype=np.int8), 10), progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (10, 10)

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        statistics(Blocks.of_array(np.arange(100.0), 10), progress=cancel)


def test_what_holds_no_numbers_is_refused() -> None:
    with pytest.raises(NnscopeError, match="not numbers"):
        stats_of_array(np.array(["a", "b"]))


def test_the_answer_does_not_depend_on_timing() -> None:
    x = np.random.default_rng(0).normal(size=500_000).astype(np.float32)
    first, second = (statistics(Blocks.of_array(x, 10_000)) for _ in range(2))
    assert (first.mean, first.variance, first.abs_mean) == (second.mean, second.variance, second.abs_mean)
