"""Medians found inside brackets: any bracket that holds the middle elements gives the exact ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute.histogram import count_codes, tally_edges
from nnscope.compute.quantiles import (
    Brackets,
    brackets,
    counted_quantiles,
    exact_quantiles,
    gather,
    weighted_median,
)

values = arrays.arrays(np.float64, st.integers(1, 40), elements=st.integers(-20, 20).map(lambda n: n / 4))


def middle_pair(x: np.ndarray) -> tuple[float, float]:
    """The two elements in the middle."""
    ordered = np.sort(x)
    return float(ordered[(len(x) - 1) // 2]), float(ordered[len(x) // 2])


@given(values, st.tuples(*[st.floats(0, 3)] * 6), st.integers(1, 5))
def test_gathering_inside_any_true_bracket_is_exact(x: np.ndarray, slack: tuple[float, ...], pieces: int) -> None:
    median = float(np.median(x))
    nonzero = np.abs(x[x != 0])
    spans = [middle_pair(x), middle_pair(np.abs(x - median)), middle_pair(nonzero) if nonzero.size else (0.0, 0.0)]
    (m0, m1), (d0, d1), (s0, s1) = (
        (low - a, high + b) for (low, high), a, b in zip(spans, slack[::2], slack[1::2], strict=True)
    )
    within = Brackets((m0, m1), (max(0.0, d0), d1), (max(0.0, s0), s1), len(x), nonzero.size, len(x))
    parts = [gather(part, within) for part in np.array_split(x, pieces)]
    found = parts[0].merge(*parts[1:]).quantiles(within)
    assert found.median == median
    assert found.mad == np.median(np.abs(x - median))
    assert found.median_abs_nonzero == (np.median(nonzero) if nonzero.size else 0.0)


@given(values)
def test_exact_and_counted_agree_with_numpy(x: np.ndarray) -> None:
    distinct, counts = np.unique(x, return_counts=True)
    before = x.copy()
    for found in (exact_quantiles(x), counted_quantiles(distinct, counts)):
        assert found.median == np.median(x)
        assert found.mad == np.median(np.abs(x - np.median(x)))
    np.testing.assert_array_equal(x, before)


@given(arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(width=32, allow_nan=False)), st.data())
def test_the_tally_brackets_the_truth(x: np.ndarray, data: st.DataObject) -> None:
    x = x[np.isfinite(x)]
    if not x.size:
        return
    pivot = float(data.draw(st.sampled_from([0.0, float(x[0]), 1.5])))
    with np.errstate(over="ignore"):
        keys = np.clip(x - np.float32(pivot), -np.finfo(np.float32).max, np.finfo(np.float32).max).view(np.uint32) >> 16
    tally = np.bincount(keys, minlength=1 << 16)
    found = brackets(tally, pivot, (float(x.min()), float(x.max())), int((x == 0).sum()))
    x64 = x.astype(np.float64)
    low, high = middle_pair(x64)
    assert found.median[0] <= low <= high <= found.median[1]
    low, high = middle_pair(np.abs(x64 - np.median(x64)))
    assert found.mad[0] <= low <= high <= found.mad[1]
    if (x64 != 0).any():
        low, high = middle_pair(np.abs(x64[x64 != 0]))
        assert found.size[0] <= low <= high <= found.size[1]
    assert gather(x, found).values.size <= found.inside


def test_every_float32_lies_between_the_edges_of_its_bin() -> None:
    near, far = tally_edges()
    patterns = np.random.default_rng(0).integers(0, 1 << 32, 100_000, dtype=np.uint64).astype(np.uint32)
    x = patterns.view(np.float32)
    number = np.isfinite(x)
    bins = patterns[number] >> 16
    assert (near[bins] <= x[number]).all()
    assert (x[number] <= far[bins]).all()
    assert not np.isnan([near, far]).any()


@pytest.mark.parametrize("size", [0, 1, 1001, (1 << 18) + 1, (1 << 18) + 2])
def test_codes_are_counted_alone_or_in_pairs(size: int) -> None:
    codes = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    np.testing.assert_array_equal(count_codes(codes), np.bincount(codes, minlength=256))


def test_weights_count() -> None:
    assert weighted_median(np.array([3.0, 1.0, 2.0]), np.array([1, 10, 1])) == 1.0
    assert weighted_median(np.array([1.0, 2.0]), np.array([5, 5])) == 1.5
