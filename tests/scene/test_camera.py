"""Pan and zoom keep what is under the pointer, and no level skips a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.frame import Camera2D, Rect
from nnscope.core.picture import level_count
from nnscope.scene import camera

rects = st.builds(Rect, st.integers(0, 500), st.integers(0, 500), st.integers(1, 2000), st.integers(1, 2000))
grids = st.tuples(st.integers(1, 70_000), st.integers(1, 70_000))
zooms = st.floats(1e-4, 200)
places = st.floats(-1e5, 1e5)


@given(grids, rects)
def test_fit_shows_everything_in_the_middle(grid: tuple[int, int], picture: Rect) -> None:
    view = camera.fit(grid, picture)
    assert grid[1] * view.zoom <= picture.w * (1 + 1e-9)
    assert grid[0] * view.zoom <= picture.h * (1 + 1e-9)
    assert camera.cell_at(view, picture, *camera.centre(picture)) == (grid[1] / 2, grid[0] / 2)


@given(places, places, zooms, rects, st.floats(0.5, 2), st.floats(0, 2000), st.floats(0, 2000))
def test_zoom_keeps_the_cell_under_the_pointer(x, y, zoom, picture, factor, px, py) -> None:
    before = Camera2D(x, y, zoom)
    after = camera.zoomed(before, picture, (px, py), factor, 1e-6)
    expected = camera.cell_at(before, picture, px, py)
    assert camera.cell_at(after, picture, px, py) == pytest.approx(expected, rel=1e-6, abs=1e-6 / min(zoom, 1) + 1e-5)


@given(zooms, grids)
def test_a_level_has_cells_of_at_least_a_pixel_and_under_two(zoom: float, grid: tuple[int, int]) -> None:
    levels = level_count(grid)
    level = camera.level_for(zoom, levels)
    assert 0 <= level < levels
    if level < levels - 1:
        assert zoom * 2**level >= 1 - 1e-6
    if level > 0:
        assert zoom * 2 ** (level - 1) < 1


@given(rects, grids, st.floats(1, 100))
def test_snapped_origin_falls_on_a_pixel(picture: Rect, grid: tuple[int, int], zoom: float) -> None:
    view = camera.snapped(Camera2D(grid[1] / 3, grid[0] / 3, zoom), picture)
    cx, cy = camera.centre(picture)
    left, top = cx - view.x * view.zoom, cy - view.y * view.zoom
    assert left == pytest.approx(round(left), abs=1e-4)
    assert top == pytest.approx(round(top), abs=1e-4)


def test_pan_follows_the_pointer() -> None:
    picture = Rect(0, 0, 100, 100)
    before = Camera2D(10, 20, 4)
    after = camera.panned(before, 8, -4)
    assert camera.cell_at(after, picture, 58, 46) == camera.cell_at(before, picture, 50, 50)


def test_visible_cells_are_cut_to_the_grid() -> None:
    assert camera.visible_cells(Camera2D(5, 5, 10), Rect(0, 0, 100, 40), (8, 20)) == (3, 7, 0, 10)
    assert camera.visible_cells(Camera2D(500, 5, 10), Rect(0, 0, 100, 40), (8, 20)) == (3, 7, 495, 495)
