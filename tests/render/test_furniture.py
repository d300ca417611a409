"""Axes, titles, numbers, markers, borders and messages: where they are and what they look like, without GL."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from nnscope.core.frame import DARK, LIGHT, AxisTicks, Camera2D, CellNumbers, Frame, Marker, PaneFrame, Rect
from nnscope.core.legend import Legend
from nnscope.render.furniture import furniture, what_shows
from nnscope.render.glyphs import Glyphs
from nnscope.render.overlay import GLYPH
from tests.render import building, volumes

PICTURE = Rect(60, 40, 400, 300)


class Drawn:
    """The quads of a frame's furniture."""

    def __init__(self, *panes: PaneFrame, scale: float = 1.0) -> None:
        overlay = furniture(building.frame(*panes, scale=scale), Glyphs())
        quads = overlay.vertices().reshape(-1, 4)
        corners = quads["a_place"][:, [0, 3], :2].reshape(-1, 4)
        self.boxes = corners.astype(int)
        self.colours = np.rint(quads["a_colour"][:, 0, :3] * 255).astype(int)
        self.opacity = quads["a_colour"][:, 0, 3]
        self.glyph = quads["a_shape"][:, 0, 0] == GLYPH
        assert (corners == self.boxes).all(), "everything lies on whole pixels"

    def shapes(self, colour: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Boxes in that colour that are no text."""
        found = ~self.glyph & (self.colours == colour).all(axis=1)
        return [tuple(map(int, box)) for box in self.boxes[found]]

    def text(self, colour: tuple[int, ...] | None = None) -> np.ndarray:
        """Boxes of glyphs, of that colour."""
        found = self.glyph if colour is None else self.glyph & (self.colours == colour).all(axis=1)
        boxes: np.ndarray = self.boxes[found]
        return boxes


def _pane(camera: Camera2D, grid: tuple[int, int] = (30, 40), **more: Any) -> PaneFrame:
    values = np.linspace(-1, 1, grid[0] * grid[1], dtype=np.float32).reshape(grid)
    shown = building.pane(grid, building.tiles(values), camera, PICTURE, **more)
    return replace(shown, rect=Rect(0, 0, 640, 400))


FITTED = Camera2D(20, 15, 10)  # the grid covers the picture exactly
NUMBERS = CellNumbers(10, 10, (("1.25", "−0.5"), ("NaN", "")))


def test_ticks_stand_at_their_cells_outside_the_picture() -> None:
    ticks = AxisTicks("in", ((0.5, "0"), (20.5, "20"), (39.5, "39"), (70.5, "70")))
    marks = Drawn(_pane(FITTED, col_axis=ticks)).shapes(DARK.secondary)
    assert marks == [(65, 341, 66, 345), (265, 341, 266, 345), (455, 341, 456, 345)]


def test_row_ticks_and_labels_stand_on_the_left() -> None:
    drawn = Drawn(_pane(FITTED, row_axis=AxisTicks("", ((0.5, "0"), (20.5, "20")))))
    assert drawn.shapes(DARK.secondary) == [(55, 45, 59, 46), (55, 245, 59, 246)]
    labels = drawn.text(DARK.secondary)
    assert len(labels) == 3
    assert labels[:, 2].max() <= 55
    assert abs(labels[0, [1, 3]].mean() - 45) <= 1.5, "centred on its tick"


def test_axes_keep_to_the_grid_when_it_is_smaller_than_the_picture() -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, 4), col_axis=AxisTicks("in", ((0.5, "0"),))))
    assert drawn.shapes(DARK.secondary) == [(182, 251, 183, 255)]
    assert drawn.shapes(DARK.line) == [
        (179, 129, 341, 130),
        (179, 250, 341, 251),
        (179, 130, 180, 250),
        (340, 130, 341, 250),
    ]


def test_labels_that_would_touch_are_left_out_but_not_their_ticks() -> None:
    ticks = AxisTicks("", tuple((i + 0.5, f"{1000 + i}") for i in range(0, 40, 2)))
    drawn = Drawn(_pane(FITTED, col_axis=ticks))
    assert len(drawn.shapes(DARK.secondary)) == 20
    letters = drawn.text()
    assert 0 < len(letters) < 4 * 20
    letters = letters[np.argsort(letters[:, 0])]
    assert (letters[1:, 0] - letters[:-1, 2] >= -1).all(), "no letter lies on another"


def test_axis_names_need_room() -> None:
    names: Any = {"row_axis": AxisTicks("out"), "col_axis": AxisTicks("in")}
    wide = Drawn(_pane(FITTED, **names))
    assert len(wide.text()) == 5
    narrow = replace(_pane(FITTED, **names), rect=Rect(0, 0, 500, 400))
    assert len(Drawn(narrow).text()) == 0


def test_without_tiles_there_are_no_axes_but_a_message() -> None:
    empty = replace(_pane(FITTED, col_axis=AxisTicks("in", ((0.5, "0"),))), tiles=(), message="Reading …")
    drawn = Drawn(empty)
    assert drawn.shapes(DARK.secondary) == []
    text = drawn.text(DARK.secondary)
    assert abs(text[:, [0, 2]].mean() - 320) < 8
    assert abs(text[:, [1, 3]].mean() - 190) < 8


def test_long_messages_are_broken_into_lines() -> None:
    text = "This tensor can't be shown because its bytes are missing. " * 4
    drawn = Drawn(replace(_pane(FITTED), tiles=(), message=text))
    assert drawn.boxes[:, 0].min() > 100
    assert drawn.boxes[:, 2].max() < 540
    assert np.ptp(drawn.boxes[:, 1]) > 40


def test_titles_are_cut_at_the_picture() -> None:
    drawn = Drawn(_pane(FITTED, title="layer." * 60 + "weight", subtitle="64 × 64"))
    assert drawn.text(DARK.text)[:, 2].max() <= PICTURE.x + PICTURE.w
    assert len(drawn.text(DARK.secondary)) == 5


@pytest.mark.parametrize(
    ("zoom", "scale", "opacity"),
    [(15.9, 1.0, None), (24.0, 1.0, 0.25), (32.0, 1.0, 0.5), (200.0, 1.0, 0.5), (24.0, 2.0, None), (64.0, 2.0, 0.5)],
)
def test_separators_fade_in(zoom: float, scale: float, opacity: float | None) -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, zoom)), scale=scale)
    found = {round(float(o), 3) for o in drawn.opacity} - {1.0}
    assert found == (set() if opacity is None else {opacity})


def test_separators_lie_where_cells_begin() -> None:
    shown = _pane(Camera2D(20.3, 15.6, 32.5))
    rows, cols = building.cells_under(shown)
    drawn = Drawn(shown)
    lines = drawn.boxes[drawn.opacity < 1]
    assert (np.minimum(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]) == 1).all()
    upright = {int(b[0]) - PICTURE.x for b in lines if b[2] - b[0] == 1}
    level = {int(b[1]) - PICTURE.y for b in lines if b[3] - b[1] == 1}
    assert upright == {i for i in range(1, 400) if cols[i] != cols[i - 1]}
    assert level == {i for i in range(1, 300) if rows[i] != rows[i - 1]}


def test_parts_of_a_mosaic_are_parted_by_lines_of_their_own() -> None:
    shown = _pane(Camera2D(20, 15, 8), blocks=(5, 4))
    rows, cols = building.cells_under(shown)
    drawn = Drawn(shown)
    lines = drawn.boxes[~drawn.glyph & (drawn.colours == DARK.ground).all(axis=1)]
    upright = {int(b[0]) - PICTURE.x for b in lines if b[2] - b[0] == 1}
    level = {int(b[1]) - PICTURE.y for b in lines if b[3] - b[1] == 1}
    assert upright == {i for i in range(1, 400) if min(cols[i], cols[i - 1]) >= 0 and cols[i] // 4 != cols[i - 1] // 4}
    assert level == {i for i in range(1, 300) if min(rows[i], rows[i - 1]) >= 0 and rows[i] // 5 != rows[i - 1] // 5}


def test_numbers_are_centred_in_their_cells() -> None:
    drawn = Drawn(_pane(Camera2D(12, 12, 60), numbers=NUMBERS))
    text = drawn.text()
    assert len(text) == len("1.25−0.5NaN")
    first = text[:4]
    assert abs(first[:, [0, 2]].mean() - (260 - 1.5 * 60)) <= 3
    assert abs(first[0, [1, 3]].mean() - (190 - 1.5 * 60)) <= 1.5


def test_numbers_contrast_with_their_cell() -> None:
    style = building.style()
    lut = style.lut.copy()
    lut[:128, :3], lut[128:, :3] = 20, 240
    values = np.array([[-0.5, 0.5]], np.float32)
    shown = building.pane((1, 2), building.tiles(values), Camera2D(1, 0.5, 80), PICTURE, style=replace(style, lut=lut))
    shown = replace(shown, numbers=CellNumbers(0, 0, (("−0.5", "0.5"),)))
    ink = Drawn(shown).colours[-7:]
    assert (ink[:4] > 200).all()
    assert (ink[4:] < 50).all()


@pytest.mark.parametrize(("zoom", "letters"), [(60.0, 14), (40.0, 14), (22.0, 3), (8.0, 0)])
def test_numbers_too_wide_for_their_cell_are_left_out(zoom: float, letters: int) -> None:
    """At 40 pixels a cell all are written smaller; at 22 only the shortest fits, in the smallest size."""
    numbers = replace(NUMBERS, text=(("1.2500", "−0.50"), ("1.5", "")))
    assert len(Drawn(_pane(Camera2D(12, 12, zoom), numbers=numbers)).text()) == letters


def test_numbers_of_cells_cut_by_the_edge_are_left_out() -> None:
    whole = Drawn(_pane(Camera2D(12, 12, 60), numbers=NUMBERS)).text()
    cut = Drawn(_pane(Camera2D(14.2, 12, 60), numbers=NUMBERS)).text()
    assert len(cut) < len(whole)
    assert (cut[:, 0] >= PICTURE.x).all()


def test_numbers_in_a_window_beyond_the_tiles() -> None:
    Drawn(_pane(Camera2D(12, 12, 60), numbers=CellNumbers(-1, 38, (("1", "2", "3"), ("4", "5", "6")))))


def test_cursor_surrounds_its_cell_in_two_tones() -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, 12), markers=(Marker(10, 12),)))
    cell = (60 + 200 - 8 * 12, 40 + 150 - 5 * 12)
    inner, outer = _extent(drawn.shapes(DARK.text)), _extent(drawn.shapes(DARK.ground))
    assert inner == (cell[0] - 1, cell[1] - 1, cell[0] + 13, cell[1] + 13)
    assert outer == (cell[0] - 2, cell[1] - 2, cell[0] + 14, cell[1] + 14)


def test_pins_are_in_the_accent_colour() -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, 12), markers=(Marker(10, 12, kind="pin"),)))
    assert drawn.shapes(DARK.accent)
    assert not drawn.shapes(DARK.text)


def test_tiny_cells_get_a_larger_frame() -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, 2), markers=(Marker(10, 12),)))
    x0, y0, x1, y1 = _extent(drawn.shapes(DARK.text))
    assert (x1 - x0, y1 - y0) == (10, 10)
    assert abs((x0 + x1) / 2 - (60 + 200 - 7.5 * 2)) <= 1


def test_blocks_are_marked_whole() -> None:
    drawn = Drawn(_pane(Camera2D(20, 15, 12), markers=(Marker(8, 12, size=4),)))
    x0, y0, x1, y1 = _extent(drawn.shapes(DARK.text))
    assert (x1 - x0, y1 - y0) == (50, 50)


@pytest.mark.parametrize("marker", [Marker(0, 0), Marker(29, 39), Marker(15, 300), Marker(-50, 2)], ids=str)
def test_markers_stay_in_the_picture(marker: Marker) -> None:
    drawn = Drawn(_pane(FITTED, markers=(marker,)))
    for x0, y0, x1, y1 in (*drawn.shapes(DARK.text), *drawn.shapes(DARK.ground)):
        assert PICTURE.x <= x0 <= x1 <= PICTURE.x + PICTURE.w
        assert PICTURE.y <= y0 <= y1 <= PICTURE.y + PICTURE.h


def test_only_one_of_several_panes_has_the_accent() -> None:
    left = replace(_pane(FITTED), rect=Rect(0, 0, 640, 400), active=True)
    right = replace(_pane(FITTED), rect=Rect(641, 0, 640, 400), picture=replace(PICTURE, x=701))
    drawn = Drawn(left, right)
    assert _extent(drawn.shapes(DARK.accent)) == (0, 0, 640, 400)
    gap = [box for box in drawn.shapes(DARK.line) if box[0] == 640 and box[2] == 641]
    assert gap, "a line between the panes"


def test_a_single_pane_has_no_border() -> None:
    drawn = Drawn(replace(_pane(FITTED), active=True))
    assert drawn.shapes(DARK.accent) == []


def test_panes_of_no_size_are_survived() -> None:
    tiny = replace(_pane(FITTED, title="x", subtitle="y"), rect=Rect(0, 0, 1, 1), picture=Rect(0, 0, 1, 1))
    furniture(Frame(1, 1, (tiny,)), Glyphs()).vertices()


CHANGES: dict[str, Any] = {
    "rect": Rect(0, 0, 639, 400),
    "picture": replace(PICTURE, w=399),
    "grid": (29, 40),
    "camera": replace(FITTED, x=20.5),
    "tiles": (),
    "normalisation": building.linear(-1, 2),
    "style": building.style(1),
    "legend": Legend("x", None),
    "row_axis": AxisTicks("a"),
    "col_axis": AxisTicks("a"),
    "numbers": NUMBERS,
    "markers": (Marker(1, 2),),
    "blocks": (2, 2),
    "title": "t",
    "subtitle": "s",
    "message": "m",
    "active": True,
    "space": volumes.pane(volumes.picture(np.zeros((2, 3, 4)))).space,
}


@pytest.mark.parametrize("field", [field.name for field in fields(PaneFrame)])
def test_whatever_changes_in_a_pane_the_furniture_is_built_anew(field: str) -> None:
    shown = _pane(FITTED)
    before = what_shows(building.frame(shown, size=(640, 400)))
    assert before is not None
    after = what_shows(building.frame(replace(shown, **{field: CHANGES[field]}), size=(640, 400)))
    assert after is None or after != before


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"height": 9}, {"theme": LIGHT}, {"scale": 2.0}, {"panes": ()}], ids=str
)
def test_whatever_changes_in_a_frame_the_furniture_is_built_anew(change: dict[str, Any]) -> None:
    frame = building.frame(_pane(FITTED))
    assert what_shows(replace(frame, **change)) != what_shows(frame)


def test_other_tiles_and_equal_words_change_nothing() -> None:
    one, other = (_pane(FITTED, title="t", legend=Legend("x", building.linear(), nan=1)) for _ in range(2))
    assert what_shows(building.frame(one)) == what_shows(building.frame(other))


def _extent(boxes: list[tuple[int, ...]]) -> tuple[int, ...]:
    corners = np.array(boxes)
    return (*map(int, corners[:, :2].min(axis=0)), *map(int, corners[:, 2:].max(axis=0)))


def test_lines_between_parts_never_hide_a_cell() -> None:
    def quads(zoom: float) -> int:
        shown = _pane(Camera2D(20, 15, zoom), blocks=(10, 10))
        with_lines, without = (
            len(furniture(building.frame(pane), Glyphs()).vertices()) for pane in (shown, replace(shown, blocks=(0, 0)))
        )
        return with_lines - without

    assert quads(6.0) > 0
    assert quads(2.0) == 0
