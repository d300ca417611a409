"""What hovering shows of a block, against float64 NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from nnscope.compute.statistics.block import block_stats
from tests.compute.dtypes import FLOATS, tensors


@given(tensors(FLOATS))
def test_agrees_with_numpy(x: np.ndarray) -> None:
    found = block_stats(x)
    with np.errstate(all="ignore"):
        x64 = x.astype(np.float64)
    finite = x64[np.isfinite(x64)]
    assert (found.count, found.finite) == (x.size, finite.size)
    if finite.size:
        assert (found.min, found.max) == (finite.min(), finite.max())
        size = np.abs(finite).max()
        assert found.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-12 * size)
        assert found.std == pytest.approx(finite.std(), rel=1e-6, abs=1e-9 * size)
    else:
        assert np.isnan([found.mean, found.min, found.max, found.std]).all()


def test_padding_is_not_counted() -> None:
    found = block_stats(np.array([[1.0, 3.0], [np.nan, 99.0]]), np.array([[False, False], [False, True]]))
    assert (found.count, found.finite, found.mean, found.std) == (3, 2, 2.0, 1.0)
