"""Medians found inside brackets, and the tally that brackets them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute.statistics.histogram import count_codes
from nnscope.compute.statistics.quantiles import Brackets, counted_quantiles, middle_pair
from nnscope.compute.statistics.tally import SIZE, bin_numbers, intervals, tally, zero_bins

values = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(-20, 20).map(lambda n: n / 4))
floats = arrays.arrays(
    np.float32, st.integers(1, 60), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


def pair_of(x: np.ndarray) -> tuple[float, float]:
    """The two elements in the middle."""
    ordered = np.sort(x)
    return float(ordered[(len(x) - 1) // 2]), float(ordered[len(x) // 2])


@given(values, st.lists(st.floats(-6, 6), max_size=12), st.floats(0, 1))
def test_elements_known_by_their_bins_give_exact_medians(x: np.ndarray, cuts: list[float], slack: float) -> None:
    """Any bins, however uneven and however much too wide: what is open holds the medians."""
    edges = np.array([-6.0, *sorted(cuts), 6.0])
    bins = np.searchsorted(edges, x, side="right") - 1
    count, nonzero = (np.bincount(bins[keep], minlength=len(edges)) for keep in (slice(None), x != 0))
    found = Brackets.of(edges - slack, np.append(edges[1:], 6.0) + slack, count, nonzero)
    median = np.median(x)
    spans = [(found.median, x), (found.mad, np.abs(x - median)), (found.size, np.abs(x[x != 0]))]
    for bracket, measure in spans:
        if measure.size:
            low, high = pair_of(measure)
            assert bracket[0] <= low <= high <= bracket[1]
    exact, estimate = found.pick(x[found.open[bins]]), found.estimate()
    truth = [float(np.median(measure)) if measure.size else 0.0 for _, measure in spans]
    assert [exact.median, exact.mad, exact.median_abs_nonzero] == truth
    for about, true in zip((estimate.median, estimate.mad, estimate.median_abs_nonzero), truth, strict=True):
        assert abs(about - true) <= estimate.error + 1e-12


@given(values)
def test_counted_values_agree_with_numpy(x: np.ndarray) -> None:
    distinct, counts = np.unique(x, return_counts=True)
    found = counted_quantiles(distinct, counts)
    assert found.median == np.median(x)
    assert found.mad == np.median(np.abs(x - np.median(x)))
    assert found.median_abs_nonzero == (np.median(np.abs(x[x != 0])) if x.any() else 0.0)


@given(floats, st.sampled_from([0.0, 1.5, -3e38, 1e-40, "first"]))
def test_every_value_lies_in_the_interval_of_its_bin(x: np.ndarray, pivot: float | str) -> None:
    about = float(np.float32(x[0] if pivot == "first" else pivot))
    for array in (x, x.astype(np.float64)):
        numbers = bin_numbers(array, about)
        low, high = intervals(numbers, about, (float(x.min()), float(x.max())))
        assert (low <= array).all()
        assert (array <= high).all()
        np.testing.assert_array_equal(tally(array, about), np.bincount(numbers, minlength=SIZE))
    zeros = bin_numbers(np.array([0.0, -0.0], np.float32), about)
    assert set(zeros) <= set(zero_bins(about))


def test_float64_beyond_float32_lies_in_the_outermost_bins() -> None:
    x = np.array([-1e300, -1.0, 0.5, 1e300])
    low, high = intervals(bin_numbers(x, 0.0), 0.0, (-1e300, 1e300))
    assert ((low <= x) & (x <= high)).all()


@pytest.mark.parametrize("size", [0, 1, 1001, (1 << 18) + 1, (1 << 18) + 2])
def test_codes_are_counted_alone_or_in_pairs(size: int) -> None:
    codes = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    np.testing.assert_array_equal(count_codes(codes), np.bincount(codes, minlength=256))


def test_counts_are_weights() -> None:
    assert middle_pair(np.array([3.0, 1.0, 2.0]), np.array([1, 10, 1])) == (1.0, 1.0)
    assert middle_pair(np.array([2.0, 1.0]), np.array([5, 5])) == (1.0, 2.0)
    assert middle_pair(np.zeros(0), np.zeros(0, int)) == (0.0, 0.0)
