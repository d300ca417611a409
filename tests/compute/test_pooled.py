"""Statistics over the steps of a run against those of all values of all steps together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.statistics.pooled import pooled
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.store.runs.encode import FIELDS


def history(steps: list[np.ndarray]) -> dict[str, np.ndarray]:
    found = [stats_of_array(values) for values in steps]
    return {name: np.array([getattr(stats, name) for stats in found], np.float64) for name in FIELDS}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_all_but_medians_are_those_of_all_values(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    steps = [random.normal(i, 1 + i, random.integers(1, 50)).astype(np.float32) for i in range(count)]
    steps[0][0] = random.choice([np.nan, np.inf, -np.inf, 0.0, 1.0])
    found, expected = pooled(history(steps)), stats_of_array(np.concatenate(steps))
    for name in ("count", "finite", "nan", "posinf", "neginf", "zeros", "positive"):
        assert getattr(found, name) == getattr(expected, name), name
    for name in ("min", "max", "abs_max", "mean", "variance", "abs_mean"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-6, nan_ok=True), name


def test_medians_are_medians_of_the_steps() -> None:
    steps = [np.array([0.0, 1.0, 2.0]), np.array([10.0, 11.0, 12.0]), np.array([1e6, 2e6, 3e6])]
    found = pooled(history(steps))
    assert (found.median, found.mad) == (11.0, 1.0)  # one odd step moves nothing


def test_steps_without_a_finite_value() -> None:
    nothing = np.full(3, np.nan)
    assert pooled(history([nothing, np.array([1.0, 3.0])])).mean == 2.0
    empty = pooled(history([nothing]))
    assert (empty.count, empty.finite, empty.nan) == (3, 0, 3)
    assert np.isnan(empty.mean)
