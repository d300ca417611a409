"""A window of cells holds exactly the elements that the layout names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.layout import Layout, default_layout, mosaic, planes
from nnscope.core.tensor import TensorInfo
from nnscope.views.cells import read_cells

LAYOUTS = {
    "matrix": planes((7, 9)),
    "transposed": Layout((7, 9), (1,), (0,)),
    "scalar": default_layout(()),
    "row": default_layout((13,)),
    "vector": default_layout((103,)),
    "kernels": default_layout((5, 3, 2, 4)),
    "channels": mosaic((11, 3, 5), 0),
    "channels-fixed": mosaic((2, 11, 3, 5), 1).with_fixed(0, 1),
    "all-rows": Layout((2, 3, 4), (0, 1, 2), ()),
    "rank-5": planes((2, 2, 2, 3, 4)).with_fixed(2, 1),
    "folded": Layout((23, 3), (1,), (0, 2), (), (0, 6)),
    "folded-wide": Layout((3, 23), (1, 0), (2,), (), (1, 6)),
    "split-in-columns": Layout((10, 3), (2, 0), (1,), (), (0, 4)),
}


class ArrayReader:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.info = TensorInfo("x", array.shape, str(array.dtype))
        self.most = 0

    def read(self, region):
        assert len(region) == self.array.ndim
        for (a, b, s), n in zip(region, self.array.shape, strict=True):
            assert 0 <= a <= b <= n
            assert s >= 1
        out = self.array[tuple(slice(*r) for r in region)]
        self.most = max(self.most, out.size)
        return out


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
def test_cells_are_the_elements_the_layout_names(name: str, data: st.DataObject) -> None:
    layout = LAYOUTS[name]
    array = np.arange(1, int(np.prod(layout.shape)) + 1).reshape(layout.shape)
    height, width = layout.grid
    r0 = data.draw(st.integers(0, height - 1))
    r1 = data.draw(st.integers(r0 + 1, height))
    c0 = data.draw(st.integers(0, width - 1))
    c1 = data.draw(st.integers(c0 + 1, width))
    values, padding = read_cells(ArrayReader(array), layout, (r0, r1), (c0, c1))
    assert values.shape == (r1 - r0, c1 - c0)
    for i, j in np.ndindex(values.shape):
        index = layout.index_at(r0 + i, c0 + j)
        if index is None:
            assert padding is not None
            assert padding[i, j]
            assert values[i, j] == 0
        else:
            assert padding is None or not padding[i, j]
            assert values[i, j] == array[index]


def test_every_nth_row() -> None:
    array = np.arange(40).reshape(10, 4)
    values, padding = read_cells(ArrayReader(array), planes((10, 4)), (1, 10), (1, 3), row_step=3)
    assert padding is None
    np.testing.assert_array_equal(values, array[1:10:3, 1:3])


def test_every_nth_row_of_a_folded_matrix() -> None:
    array = np.arange(1, 70).reshape(23, 3)
    layout = Layout((23, 3), (1,), (0, 2), (), (0, 6))
    every, _ = read_cells(ArrayReader(array), layout, (0, 6), (2, 12))
    values, padding = read_cells(ArrayReader(array), layout, (0, 6), (2, 12), row_step=2)
    np.testing.assert_array_equal(values, every[::2])
    assert padding is None or padding.shape == values.shape


def test_a_small_window_of_a_folded_matrix_reads_little() -> None:
    reader = ArrayReader(np.zeros((8000, 10)))
    read_cells(reader, Layout((8000, 10), (1,), (0, 2), (), (0, 1000)), (5, 15), (0, 80))
    assert reader.most <= 100


def test_a_window_of_a_matrix_reads_no_more_than_itself() -> None:
    reader = ArrayReader(np.zeros((100, 100)))
    read_cells(reader, planes((100, 100)), (10, 20), (30, 40))
    assert reader.most == 100
