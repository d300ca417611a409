"""A part of a tensor is exactly what NumPy's basic indexing takes, and parts of parts compose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnscope.core.address import Address, parse_address
from nnscope.headless.part import IndexingError, whole

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def _array(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(int(np.prod(shape))).reshape(shape)


def _take(array: np.ndarray, part) -> np.ndarray:
    """What reading the part's region and shaping it gives."""
    region = part.region
    assert all(0 <= a <= b <= n and s >= 1 for (a, b, s), n in zip(region, array.shape, strict=True))
    return part.values(array[tuple(slice(*axis) for axis in region)])


@given(data=st.data(), shape=SHAPES)
def test_a_part_is_what_numpy_takes(data: st.DataObject, shape: tuple[int, ...]) -> None:
    array = _array(shape)
    item = data.draw(hnp.basic_indices(shape, allow_newaxis=False))
    part = whole(shape).select(item)
    assert part.shape == array[item].shape
    np.testing.assert_array_equal(_take(array, part), array[item])


@given(data=st.data(), shape=SHAPES)
def test_parts_compose_and_read_back_from_their_address(data: st.DataObject, shape: tuple[int, ...]) -> None:
    array = _array(shape)
    first = data.draw(hnp.basic_indices(shape, allow_newaxis=False))
    part = whole(shape).select(first)
    second = data.draw(hnp.basic_indices(part.shape, allow_newaxis=False))
    part = part.select(second)
    np.testing.assert_array_equal(_take(array, part), array[first][second])
    again = parse_address(str(Address("w", part.items))).index
    np.testing.assert_array_equal(array[again], array[first][second])


@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=6))
def test_index_of_a_parts_element(data: st.DataObject, shape: tuple[int, ...]) -> None:
    array = _array(shape)
    item = data.draw(hnp.basic_indices(shape, allow_newaxis=False))
    part = whole(shape).select(item)
    for at in np.ndindex(part.shape):
        assert array[part.index(at)] == array[item][at]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (5, "outside axis 0 of size 3"),
        (-4, "outside axis 0 of size 3"),
        ((0, 0, 0), "3 entries for 2 axes"),
        ((..., 0, ...), "more than one"),
        (None, "NoneType is no index"),
        (1.0, "float is no index"),
        (True, "bool is no index"),
        ([0, 1], "list is no index"),
        (slice(None, None, 0), "slice"),
        (slice("a", None), "slice"),
    ],
    ids=str,
)
def test_what_is_no_basic_index_says_so(item: object, words: str) -> None:
    with pytest.raises(IndexingError, match=words) as caught:
        whole((3, 4)).select(item, "conv.weight")
    assert isinstance(caught.value, IndexError)
    assert str(caught.value).startswith("conv.weight: ")
