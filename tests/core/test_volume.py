"""Volumes with sides that are too long for a texture: they are folded so that every voxel has a place, and all fits."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.volume import SIDE, VOXELS, fold, least_level

LIMIT = 24
_SHAPES = st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(1, 4)).flatmap(st.permutations)


@settings(deadline=None, max_examples=100)
@given(_SHAPES)
def test_pieces_cover_the_volume_and_none_overlap(shape: list[int]) -> None:
    depth, rows, cols = shape
    found = fold((depth, rows, cols), LIMIT)
    if found is None:
        assert math.prod(-(-n // (LIMIT - 2)) for n in sorted(shape)[1:]) * (min(shape) + 2) > LIMIT
        return
    assert max(found.shape) <= LIMIT
    for side, count, length in zip(shape, found.pieces, found.lengths, strict=True):
        assert (count - 1) * length < side <= count * length
    thickness = found.lengths[found.along] + 2
    places = itertools.product(*map(range, found.pieces))
    starts = sorted(sum(i * step for i, step in zip(at, found.steps, strict=True)) for at in places)
    assert starts == list(range(0, found.shape[found.along], thickness))
    others = [axis for axis in range(3) if axis != found.along]
    assert [found.shape[axis] for axis in others] == [found.lengths[axis] + 2 for axis in others]


@pytest.mark.parametrize(
    ("shape", "pieces", "folded"),
    [
        ((4096, 64, 64), (3, 1, 1), (1368, 198, 66)),
        ((3, 4096, 4096), (1, 3, 3), (45, 1368, 1368)),
        ((2300, 2200, 12), (2, 2, 1), (1152, 1102, 56)),
    ],
    ids=str,
)
def test_sides_are_cut_into_equal_pieces(
    shape: tuple[int, int, int], pieces: tuple[int, int, int], folded: tuple[int, int, int]
) -> None:
    found = fold(shape)
    assert found is not None
    assert (found.pieces, found.shape) == (pieces, folded)
    assert least_level(shape) == 0


@pytest.mark.parametrize("shape", [(2050, 2050, 2050), (512, 4096, 4096), (1, 10000, 10000)], ids=str)
def test_what_would_be_too_large_comes_at_a_coarser_level(shape: tuple[int, int, int]) -> None:
    assert fold(shape) is None
    level = least_level(shape)
    assert level > 0
    sides = [-(-side // 2**level) for side in shape]
    finer = [-(-side // 2 ** (level - 1)) for side in shape]
    assert math.prod(sides) <= VOXELS
    assert max(finer) > SIDE or math.prod(finer) > VOXELS
