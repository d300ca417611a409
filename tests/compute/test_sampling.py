"""Samples: disjoint, inside, of the promised share, the same every time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.statistics.sampling import sample_regions


@given(st.lists(st.integers(1, 400), min_size=1, max_size=3).map(tuple), st.integers(1, 200_000))
def test_regions_are_disjoint_and_counted(shape: tuple[int, ...], elements: int) -> None:
    sample = sample_regions(shape, elements)
    if math.prod(shape) > 2_000_000:
        return
    hits = np.zeros(shape, np.uint8)
    for region in sample.regions:
        hits[tuple(slice(*axis) for axis in region)] += 1
    assert hits.max() == 1
    assert hits.mean() == sample.share or abs(hits.mean() - sample.share) < 1e-9
    assert sample == sample_regions(shape, elements)


def test_a_sample_is_about_as_large_as_asked() -> None:
    sample = sample_regions((128_256, 2048), 1 << 22)
    held = sample.share * 128_256 * 2048
    assert 0.9 * (1 << 22) <= held <= 1 << 22


def test_a_small_tensor_is_whole() -> None:
    assert sample_regions((3, 4), 100).share == 1.0
    assert sample_regions((0, 4), 100).share == 1.0
