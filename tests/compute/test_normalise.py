"""Normalisations: their definitions, their way back, and defined results for every odd tensor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute.normalise import NAMES, apply, clipped_share, normalisation
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.errors import NnscopeError

odd = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=30), elements=st.floats(width=32)
)


@pytest.mark.parametrize("name", NAMES)
@given(x=odd)
def test_always_defined(name: str, x: np.ndarray) -> None:
    norm = normalisation(name, stats_of_array(x))
    assert norm.scale > 0
    assert norm.lo < norm.hi
    finite = x[np.isfinite(x)]
    assert np.isfinite(apply(norm, finite)).all()
    assert 0 <= clipped_share(stats_of_array(x), norm.domain) <= 1


def test_definitions() -> None:
    x = np.random.default_rng(0).normal(1, 2, 1000).astype(np.float32)
    s = stats_of_array(x)
    x64 = x.astype(np.float64)

    def t(name: str) -> np.ndarray:
        norm = normalisation(name, s)
        return apply(norm, x) * (norm.hi - norm.lo) + norm.lo

    mad = np.median(np.abs(x64 - np.median(x64)))
    np.testing.assert_allclose(t("zscore"), (x64 - x64.mean()) / x64.std(), atol=1e-5)
    np.testing.assert_allclose(t("robust"), (x64 - np.median(x64)) / (1.4826 * mad), atol=1e-5)
    scale = np.median(np.abs(x64[x64 != 0]))
    np.testing.assert_allclose(t("log"), np.sign(x64) * np.log1p(np.abs(x64) / scale), atol=1e-5)
    np.testing.assert_allclose(t("tanh"), np.tanh(x64 / (1.4826 * mad)), atol=1e-5)
    np.testing.assert_allclose(apply(normalisation("minmax", s), x), (x64 - x64.min()) / np.ptp(x64), atol=1e-6)
    np.testing.assert_allclose(apply(normalisation("linear", s, (-1, 3)), x), (x64 + 1) / 4, atol=1e-6)


def test_signed_tensors_get_a_symmetric_domain() -> None:
    assert normalisation("linear", stats_of_array(np.array([-1.0, 3.0]))).domain == pytest.approx((-3, 3))
    assert normalisation("linear", stats_of_array(np.array([1.0, 3.0]))).domain == pytest.approx((1, 3))


@pytest.mark.parametrize("name", NAMES)
def test_the_legend_finds_its_way_back(name: str) -> None:
    norm = normalisation(name, stats_of_array(np.random.default_rng(1).normal(size=500)))
    for u in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert norm.forward(norm.inverse(u)) == pytest.approx(u, abs=1e-9)


def test_robust_falls_back() -> None:
    mostly = np.array([0.0] * 9 + [5.0])
    norm = normalisation("robust", stats_of_array(mostly))
    assert (norm.shift, norm.scale) == pytest.approx((mostly.mean(), mostly.std()))
    constant = normalisation("robust", stats_of_array(np.full(5, 2.0)))
    assert (constant.shift, constant.scale) == (2.0, 1.0)


def mapped(name: str, x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    """t, the normalised value before it becomes a colour."""
    norm = normalisation(name, stats_of_array(x), alpha=alpha)
    return apply(norm, x) * (norm.hi - norm.lo) + norm.lo


def by_the_book(name: str, x: np.ndarray, alpha: float) -> np.ndarray:
    """methods.md §2 word by word, in float64."""
    median, spread = np.median(x), 1.4826 * np.median(np.abs(x - np.median(x)))
    if name == "zscore" or (name == "robust" and spread == 0 and x.std() > 0):
        return (x - x.mean()) / x.std()
    if name == "robust":
        return (x - median) / spread if spread > 0 else x - median
    if name == "log":
        return np.sign(x) * np.log1p(np.abs(x) / np.median(np.abs(x[x != 0])))
    if name == "tanh":
        return np.tanh(alpha * x / (spread if spread > x.std() / 64 else x.std()))
    return x


values = arrays.arrays(
    np.float32, st.integers(2, 40), elements=st.integers(-8, 8).map(lambda n: n / 4) | st.floats(-9, 9, width=16)
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30)
@given(x=values, alpha=st.floats(0.1, 9), mostly_zero=st.booleans())
def test_the_definitions_word_by_word(name: str, x: np.ndarray, alpha: float, mostly_zero: bool) -> None:
    if mostly_zero:
        x = np.concatenate([x, np.zeros(2 * len(x), np.float32)])  # as after a ReLU: the MAD is zero
    if x.min() < x.max():
        expected = by_the_book(name, x.astype(np.float64), alpha)
        np.testing.assert_allclose(mapped(name, x, alpha), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(value=st.floats(-1e6, 1e6, width=32), size=st.integers(0, 4))
def test_constant_and_empty_tensors_give_zeros(name: str, value: float, size: int) -> None:
    x = np.full(size, value, np.float32)
    zero = apply(normalisation(name, stats_of_array(x)), x) if name in ("linear", "minmax") else mapped(name, x)
    np.testing.assert_allclose(zero, np.zeros(size), atol=1e-9)


@pytest.mark.parametrize("factor", [1e-30, 1e-6, 1.0, 1e6, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_the_unit_of_the_tensor_does_not_matter(name: str, factor: float) -> None:
    x = np.random.default_rng(0).normal(1, 2, 200)
    one, other = (apply(normalisation(name, stats_of_array(v)), v) for v in (x, x * factor))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_only_tanh_is_aesthetic() -> None:
    stats = stats_of_array(np.arange(5.0))
    assert [n for n in NAMES if not normalisation(n, stats).faithful] == ["tanh"]


@given(st.floats(-4, 4), st.floats(0.1, 4))
def test_clipped_share_is_within_a_bin(lo: float, width: float) -> None:
    x = np.random.default_rng(2).normal(size=4000)
    truth = np.mean((x < lo) | (x > lo + width))
    share = clipped_share(stats_of_array(x), (lo, lo + width))
    most = stats_of_array(x).histogram.max() / len(x)
    assert share == pytest.approx(truth, abs=2 * most + 1e-9)


@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("faint", [1e-9, 1e-4])
def test_what_lies_close_to_zero_is_not_told_for_clipped(zeros: float, faint: float) -> None:
    rng = np.random.default_rng(0)
    x = np.where(rng.random(10_000) < zeros, 0.0, faint * rng.normal(size=10_000)).astype(np.float32)
    x[:20] = 100.0
    stats = stats_of_array(x)
    low, high = normalisation("tanh", stats).domain
    exact = float(((x < low) | (x > high)).mean())
    assert clipped_share(stats, (low, high)) <= max(0.5, 1 - zeros) + 1e-6
    assert clipped_share(stats, (low, high)) >= exact - 1e-6


def test_nothing_clipped_is_exactly_zero() -> None:
    stats = stats_of_array(np.arange(10.0))
    assert clipped_share(stats, (0, 9)) == 0.0
    assert clipped_share(stats, (20, 30)) == 1.0
    assert clipped_share(stats_of_array(np.array([math.nan])), (0, 1)) == 0.0


def test_unknown_names_are_refused() -> None:
    with pytest.raises(NnscopeError, match="no normalisation"):
        normalisation("softmax", stats_of_array(np.arange(3.0)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("limits", [(-1.0, 2.0), (2.0, -1.0), (1.5, 1.5), (1e6, 1e7), (-1e308, 1e308)], ids=str)
def test_limits_are_raw_values_in_either_order(name: str, limits: tuple[float, float]) -> None:
    norm = normalisation(name, stats_of_array(np.random.default_rng(0).normal(size=300)), limits)
    assert norm.lo < norm.hi
    assert math.isfinite(norm.hi - norm.lo)
    if name != "tanh" and abs(limits[0]) < 1e300:  # tanh has no way back where it is flat
        assert norm.domain == pytest.approx(sorted(limits), rel=1e-9, abs=1e-9)
    assert norm.forward(limits[0]) <= norm.forward(limits[1]) or limits[0] > limits[1]


@pytest.mark.parametrize("limits", [(math.nan, 1.0), (0.0, math.inf)], ids=str)
def test_limits_that_are_no_numbers_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(NnscopeError, match="two finite numbers"):
        normalisation("linear", stats_of_array(np.arange(3.0)), limits)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "x",
    [
        np.zeros(0),
        np.array([np.nan, np.inf]),
        np.full(4, 0.1),
        np.full(4, -1e300),
        np.zeros(3),
        np.array([1e308, -1e308]),
        np.array([1.0, np.nextafter(1.0, 2)]),
        np.array([5e-324, 0.0]),
    ],
    ids=["empty", "nothing finite", "constant", "huge constant", "zeros", "extremes", "neighbours", "least"],
)
def test_tensors_without_a_scale_are_defined(name: str, x: np.ndarray) -> None:
    norm = normalisation(name, stats_of_array(x))
    assert norm.scale > 0
    assert norm.lo < norm.hi
    u = apply(norm, x)
    assert np.isfinite(u[np.isfinite(x)]).all()
    assert np.isnan(u[~np.isfinite(x)]).all()
    if np.unique(x[np.isfinite(x)]).size == 1:
        expected = 0.0 if name in ("linear", "minmax", "log") else 0.5
        assert u[np.isfinite(x)] == pytest.approx(expected)


def test_tanh_shows_what_stands_out_of_many_values_near_zero() -> None:
    rng = np.random.default_rng(0)
    masked = np.tril(rng.dirichlet(np.full(64, 0.05), 64)).astype(np.float32)  # attention of tokens to those before
    stats = stats_of_array(masked)
    norm = normalisation("tanh", stats)
    assert norm.scale == pytest.approx(masked.std(), rel=1e-5)
    assert norm.scale > 100 * stats.mad
    u = apply(norm, masked[masked > 0.01])
    assert np.ptp(u) > 0.5
    assert clipped_share(stats, norm.domain) == pytest.approx(0, abs=0.01)


def test_steepness_of_tanh() -> None:
    stats = stats_of_array(np.random.default_rng(0).normal(size=100))
    plain, steep = normalisation("tanh", stats), normalisation("tanh", stats, alpha=4.0)
    assert steep.scale == pytest.approx(plain.scale / 4)
    for alpha in (0.0, -1.0, math.nan):
        with pytest.raises(NnscopeError, match="steepness"):
            normalisation("tanh", stats, alpha=alpha)


def test_tanh_and_log_use_the_half_that_values_are_in() -> None:
    for x, ends in (
        (np.array([0.0, 1, 2]), (0, 1)),
        (np.array([-2.0, -1, 0]), (-1, 0)),
        (np.array([-1.0, 1, 2]), (-1, 1)),
    ):
        norm = normalisation("tanh", stats_of_array(x))
        assert (norm.lo, norm.hi) == ends
    assert normalisation("log", stats_of_array(np.array([0.0, 1, 9]))).domain == pytest.approx((0, 9))
    assert normalisation("log", stats_of_array(np.array([-4.0, 1, 9]))).domain == pytest.approx((-9, 9))
