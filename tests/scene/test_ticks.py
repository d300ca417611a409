"""Axis ticks: where an index stands, and what it is called."""

from __future__ import annotations

import pytest

from nnscope.core.frame import DARK
from nnscope.core.layout import Layout, folded, mosaic, planes
from nnscope.core.text import plain
from nnscope.render.glyphs import Glyphs
from nnscope.render.overlay import Overlay
from nnscope.scene.ticks import (
    LONGEST_WORD,
    MOST_SHOWN,
    OVERHANG,
    SPACE,
    axis_name,
    axis_ticks,
    name_ticks,
    widest,
    word_ticks,
)


def test_a_plain_axis_has_round_indices_in_the_middle_of_cells() -> None:
    ticks = axis_ticks(planes((100, 50)), (0,), (), (3, 40), 10.0)
    assert ticks.name == "axis 0"
    assert ticks.ticks[:2] == ((10.5, "10"), (20.5, "20"))


def test_known_names_are_used() -> None:
    assert axis_ticks(planes((100, 50)), (1,), ("token", "unit"), (0, 50), 10.0).name == "unit"


def test_an_axis_without_a_name_keeps_its_number() -> None:
    assert axis_ticks(planes((100, 50)), (0,), ("", "unit"), (0, 50), 10.0).name == "axis 0"
    assert [axis_name(axis, ("", "unit")) for axis in range(3)] == ["axis 0", "unit", "axis 2"]


def test_parts_of_a_mosaic_are_counted_in_the_tensors_index() -> None:
    layout = mosaic((32, 8, 8), 0)
    assert layout.split == (0, 8)
    rows = axis_ticks(layout, layout.rows, (), (0, 32), 10.0)
    cols = axis_ticks(layout, layout.cols, (), (0, 64), 10.0)
    assert rows.name == "axis 0 × axis 1"
    assert [label for _, label in rows.ticks] == ["0", "8", "16", "24"]
    assert rows.ticks[0][0] == 4
    assert cols.name == "axis 0 × axis 2"


def test_an_axis_of_one_index_leaves_the_ticks_to_the_next() -> None:
    layout = Layout((1, 16, 8, 8), (2,), (3,), (), None, (0, 1))
    ticks = axis_ticks(layout, layout.depth, ("batch", "channel", "row", "column"), (0, 16), 20.0)
    assert ticks.name == "channel"
    assert ticks.ticks == ((0.5, "0"), (5.5, "5"), (10.5, "10"), (15.5, "15"))
    only = Layout((1, 1, 8, 8), (2,), (3,), (), None, (0, 1))
    assert axis_ticks(only, only.depth, (), (0, 1), 20.0).ticks == ((0.5, "0"),)


def test_a_folded_matrix_names_both_sides() -> None:
    layout = folded((8000, 10))
    assert axis_ticks(layout, layout.rows, (), (0, 8000), 0.5).name == "axis 0"
    assert axis_ticks(layout, layout.cols, (), (0, 10), 10.0).name == "axis 0 × axis 1"


def test_no_axis_no_ticks() -> None:
    assert axis_ticks(planes((4, 4)), (), (), (0, 1), 10.0).ticks == ()


def test_parts_with_gaps_are_named_in_their_middle() -> None:
    layout = Layout((3, 2, 8, 8), (0, 2), (1, 3), gap=2)
    rows = axis_ticks(layout, layout.rows, ("layer", "head", "query", "key"), (0, 28), 10.0)
    assert rows.ticks == ((4.0, "0"), (14.0, "1"), (24.0, "2"))


def test_words_below_a_picture_stand_on_two_lines_or_are_left_out() -> None:
    words = ("the", "elephants", "sat", "on\na", "x" * 50)
    wide = word_ticks("key", words, (0, 5), 80.0, 1.0)
    assert (wide.lines, [text for _, text in wide.ticks[:3]]) == (1, ["the", "elephants", "sat"])
    assert wide.ticks[3] == (3.5, plain(words[3]))
    assert wide.room == 80.0 - SPACE
    assert word_ticks("key", words, (0, 5), 50.0, 2.0).lines == 2
    assert word_ticks("key", words, (0, 5), 50.0, 2.0).room == 2 * (50.0 + OVERHANG)
    narrow = word_ticks("key", words, (1, 5), 20.0, 1.0)
    assert ([at for at, _ in narrow.ticks], narrow.room) == ([2.5, 4.5], LONGEST_WORD)
    assert word_ticks("key", ("a", "b", "c"), (0, 3), 20.0, 1.0).lines == 1, "as wide as they are, not as they may be"


def test_names_of_rows_are_left_out_where_they_would_touch() -> None:
    names = ("the", "elephants", "sat", "on", "it")
    assert len(name_ticks("query", names, (0, 5), 20.0).ticks) == 5
    assert [at for at, _ in name_ticks("query", names, (1, 5), 7.0).ticks] == [2.5, 4.5]


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
def test_text_is_as_wide_as_it_is_drawn(scale: float) -> None:
    overlay = Overlay(Glyphs(), DARK, scale)
    names = ("blocks.3.attention.query", "漢字\x00", "i" * 200)
    assert widest(names[:2], scale) == pytest.approx(overlay.width(names[0], overlay.small))
    assert widest(names, scale) == pytest.approx(overlay.width(plain(names[2], MOST_SHOWN), overlay.small))
