"""Regions cover a tensor once, in order, within their size."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.regions import regions


@given(st.lists(st.integers(0, 5), max_size=4).map(tuple), st.integers(1, 40))
def test_regions_cover_once_in_order(shape: tuple[int, ...], elements: int) -> None:
    array = np.arange(math.prod(shape)).reshape(shape)
    parts = [array[tuple(slice(*r) for r in region)] for region in regions(shape, elements)]
    assert all(0 < part.size <= elements for part in parts)
    joined = np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0, int)
    np.testing.assert_array_equal(joined, array.ravel())
