"""Layouts of a picture: an index fixes axes, and every element of the rest keeps a cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnscope.core.layout import Layout, default_layout, mosaic
from nnscope.core.tensor import TensorInfo
from nnscope.headless.layouts import chosen_layout, fixed_layout, showing
from nnscope.headless.look import OptionError

SHAPES = hnp.array_shapes(min_dims=1, max_dims=5, max_side=20)


class Plain:
    """A view with the default layout."""

    def layout(self, info: TensorInfo) -> Layout:
        return default_layout(info.shape)


@given(data=st.data(), shape=SHAPES)
def test_fixed_axes_stay_at_their_index(data: st.DataObject, shape: tuple[int, ...]) -> None:
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1)))
    fixed = {axis: data.draw(st.integers(0, shape[axis] - 1)) for axis in axes}
    layout = fixed_layout(Plain(), TensorInfo("w", shape, "float32"), fixed)
    assert layout.shape == shape
    rows, cols = layout.grid
    for cell in {(0, 0), (rows - 1, 0), (0, cols - 1), (rows - 1, cols - 1)}:
        index = layout.index_at(*cell)
        assert index is None or all(index[axis] == at for axis, at in fixed.items())


@given(data=st.data(), shape=hnp.array_shapes(min_dims=1, max_dims=4, max_side=9))
def test_fixing_the_first_axis_shows_the_slice(data: st.DataObject, shape: tuple[int, ...]) -> None:
    """The picture of ``w[i]`` is laid out as that of the tensor ``w[i]`` alone."""
    at = data.draw(st.integers(0, shape[0] - 1))
    array = np.arange(np.prod(shape)).reshape(shape)
    layout = fixed_layout(Plain(), TensorInfo("w", shape, "float32"), {0: at})
    alone = default_layout(shape[1:])
    assert layout.grid == alone.grid
    for cell in np.ndindex(layout.grid):
        index, expected = layout.index_at(*cell), alone.index_at(*cell)
        assert (index is None) == (expected is None)
        assert index is None or array[index] == array[at][expected]


@given(data=st.data(), shape=SHAPES)
def test_sliders_move_to_show_an_element(data: st.DataObject, shape: tuple[int, ...]) -> None:
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    layout = showing(default_layout(shape), index)
    cell = layout.cell_of(index)
    assert cell is not None
    assert layout.index_at(*cell) == index


def test_sliders_beside_a_split_axis() -> None:
    layout = showing(mosaic((3, 7, 4, 5), 1), (2, 6, 1, 3))
    cell = layout.cell_of((2, 6, 1, 3))
    assert cell is not None
    assert layout.index_at(*cell) == (2, 6, 1, 3)


def test_rows_and_columns_as_asked() -> None:
    info = TensorInfo("w", (2, 3, 4, 5), "float32")
    assert chosen_layout(info, (3,), (0, -2), {1: 2}) == Layout((2, 3, 4, 5), (3,), (0, 2), ((1, 2),))
    assert chosen_layout(info, (0, 2), (1,), {}).fixed == ((3, 0),)


@pytest.mark.parametrize(
    ("rows", "cols", "fixed", "words"),
    [
        ((0,), (0,), {}, "used twice"),
        ((0,), (1,), {1: 0}, "used twice"),
        ((0,), (-3,), {}, "used twice"),
        ((3,), (0,), {}, "no axis 3"),
        ((0,), (-4,), {}, "no axis -4"),
        ((0,), (1,), {}, "without elements"),
    ],
)
def test_rows_and_columns_that_make_no_picture(rows: tuple, cols: tuple, fixed: dict, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        chosen_layout(TensorInfo("w", (2, 3, 0), "float32"), rows, cols, fixed)
