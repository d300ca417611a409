"""Which pixel shows which cell: the fitted spans against the float64 definition, by the shader's float32 arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnscope.core.frame import Camera2D, Rect
from nnscope.core.picture import TILE, level_shape
from nnscope.render.placement import Axis, Span, axes, axis_spans, grid_rect, pixel_cells
from tests.render import building


def _shader_cells(span: Span, fused: bool) -> np.ndarray:
    """The cells a shader finds: each operation rounded to float32, or product and sum rounded once."""
    k = np.arange(span.stop - span.start, dtype=np.float32)
    step, offset = np.float32(span.step), np.float32(span.offset)
    once = (k.astype(np.float64) * float(step) + float(offset)).astype(np.float32)
    cells: np.ndarray = np.floor(once if fused else k * step + offset)
    return cells.astype(int)


def _check(axis: Axis, level: int) -> None:
    shown = np.full(len(axis.cells), -1)
    cells_on_level = level_shape((axis.count, 1), level)[0]
    for index in range(-(-cells_on_level // TILE)):
        size = min(TILE, cells_on_level - index * TILE)
        for span in axis_spans(axis, level, index, size):
            part = slice(span.start - axis.first, span.stop - axis.first)
            assert (shown[part] == -1).all(), "no pixel belongs to two spans"
            plain, fused = _shader_cells(span, fused=False), _shader_cells(span, fused=True)
            assert (plain == fused).all()
            shown[part] = plain + index * TILE
    inside = (axis.cells >= 0) & (axis.cells < axis.count)
    assert (shown[inside] == axis.cells[inside] >> level).all()
    assert (shown[~inside] == -1).all()


@given(
    length=st.integers(1, 2000),
    count=st.integers(1, 20_000),
    level=st.integers(0, 6),
    zoom=st.floats(1.0, 300.0),
    camera=st.floats(-0.2, 1.2),
    first=st.integers(0, 500),
)
@example(length=1000, count=20_000, level=0, zoom=1.0, camera=0.5, first=0)
@example(length=1001, count=20_000, level=0, zoom=1.0, camera=0.5, first=0)
@example(length=1280, count=2000, level=0, zoom=1.0 + 1e-9, camera=0.25, first=1)
@example(length=1280, count=2000, level=0, zoom=2.0 - 1e-7, camera=0.25, first=1)
@example(length=1999, count=65_536, level=3, zoom=1.3, camera=0.9999, first=3)
@settings(max_examples=80)
def test_the_shader_shows_the_defined_cell(
    length: int, count: int, level: int, zoom: float, camera: float, first: int
) -> None:
    """Cells of a level are at least one pixel wide, as a camera with that level chosen has them."""
    per_cell = zoom / 2**level
    _check(Axis(first, pixel_cells(first, length, camera * count, per_cell), count, per_cell), level)


@given(zoom=st.floats(1e-4, 1.0), level=st.integers(0, 3))
@settings(max_examples=30)
def test_cells_narrower_than_a_pixel_are_found_as_well(zoom: float, level: int) -> None:
    _check(Axis(0, pixel_cells(0, 700, 5000.3, zoom), 10_000, zoom), level)


def test_far_out_in_a_very_large_grid() -> None:
    """Where float32 coordinates would be off by whole cells."""
    count = 10**9
    for camera in (count - 300.25, count / 3, 123_456_789.123):
        _check(_window(camera, count), 0)


def _window(camera: float, count: int) -> Axis:
    """Only the tiles near the camera: the grid is shifted so that the check needn't walk all of them."""
    cells = pixel_cells(7, 900, camera, 3.7)
    base = int(cells[0]) // TILE * TILE
    return Axis(7, cells - base, count - base if count - base < 4096 else 4096, 3.7)


def test_one_span_is_nearly_always_enough() -> None:
    rng = np.random.default_rng(0)
    spans = [
        len(axis_spans(Axis(0, pixel_cells(0, 1280, rng.uniform(0, 2000), zoom), 2000, zoom), 0, index, TILE))
        for zoom in rng.uniform(1, 40, 100)
        for index in range(7)
    ]
    assert sum(s > 1 for s in spans) <= len(spans) // 50


@pytest.mark.parametrize(
    ("camera", "rect"),
    [
        pytest.param(Camera2D(5, 2, 10), Rect(10 + 50, 20 + 30, 100, 40), id="all of it in sight"),
        pytest.param(Camera2D(0, 0, 20), Rect(10 + 100, 20 + 50, 100, 50), id="cut off right and below"),
        pytest.param(Camera2D(-99, 0, 1), Rect(209, 70, 1, 4), id="its first column in the last pixel"),
        pytest.param(Camera2D(-100, 0, 1), Rect(210, 70, 0, 4), id="out of sight to the right"),
    ],
)
def test_grid_rect(camera: Camera2D, rect: Rect) -> None:
    shown = building.pane((4, 10), (), camera, Rect(10, 20, 200, 100))
    assert grid_rect(*axes(shown)) == rect
