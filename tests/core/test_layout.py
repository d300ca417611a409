"""Layouts: each cell shows one element, and the way back is the inverse."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.layout import Layout, default_layout, mosaic, planes

shapes = st.lists(st.integers(0, 6), max_size=5).map(tuple)


@given(shapes)
def test_default_layout_way_back_is_the_inverse(shape: tuple[int, ...]) -> None:
    layout = default_layout(shape)
    rows, cols = layout.grid
    seen = set()
    for row, col in itertools.product(range(rows), range(cols)):
        index = layout.index_at(row, col)
        if index is not None:
            assert layout.cell_of(index) == (row, col)
            seen.add(index)
    fixed_to_zero = sum(1 for _ in layout.fixed)
    if not fixed_to_zero:
        assert len(seen) == len(list(itertools.product(*map(range, shape))))


@pytest.mark.parametrize(
    ("shape", "grid"),
    [
        ((), (1, 1)),
        ((10,), (1, 10)),
        ((100,), (10, 10)),
        ((101,), (10, 11)),
        ((3, 5), (3, 5)),
        ((16, 8, 8), (32, 32)),
        ((8, 4, 3, 3), (24, 12)),
        ((1, 16, 8, 8), (32, 32)),
        ((0,), (1, 0)),
        ((0, 4), (0, 4)),
        ((128_256, 2048), (16_032, 16_384)),
        ((100, 10_000), (1000, 1000)),
        ((900, 10), (900, 10)),
        ((2, 0, 3, 3), (0, 3)),
    ],
    ids=str,
)
def test_default_grids(shape: tuple[int, ...], grid: tuple[int, int]) -> None:
    assert default_layout(shape).grid == grid


def test_padding_has_no_index() -> None:
    layout = default_layout((101,))
    assert layout.index_at(9, 10) is None
    assert layout.index_at(9, 1) == (100,)


def test_fixed_axes_follow_the_slider() -> None:
    layout = planes((4, 5, 6)).with_fixed(0, 3)
    assert layout.index_at(1, 2) == (3, 1, 2)
    assert layout.cell_of((0, 1, 2)) is None


def test_mosaic_is_near_square_in_cells() -> None:
    rows, cols = mosaic((64, 4, 16), 0).grid
    assert 0.5 <= rows / cols <= 2


def test_a_layout_that_forgets_an_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="each axis once"):
        Layout((2, 3), (0,), ())
    with pytest.raises(ValueError, match="outside axis"):
        Layout((2, 3, 4), (1,), (2,), ((0, 2),))


@given(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)), st.integers(0, 3))
def test_parts_with_gaps_keep_the_way_back(shape: tuple[int, int, int, int], gap: int) -> None:
    layout = Layout(shape, (0, 2), (1, 3), gap=gap)
    close = Layout(shape, (0, 2), (1, 3))
    rows, cols = layout.grid
    assert (rows, cols) == (close.grid[0] + (shape[0] - 1) * gap, close.grid[1] + (shape[1] - 1) * gap)
    seen = [layout.index_at(row, col) for row, col in itertools.product(range(rows), range(cols))]
    shown = [index for index in seen if index is not None]
    order = sorted(itertools.product(*map(range, shape)), key=close.cell_of)  # type: ignore[arg-type]
    assert shown == order
    assert all(layout.cell_of(index) == divmod(seen.index(index), cols) for index in shown)
