"""Drawing only what changed gives the pixels of drawing everything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.frame import DARK, LIGHT, Camera2D, CellNumbers, Frame, Marker, PaneFrame, Rect
from nnscope.core.space import Camera3D
from nnscope.render.damage import Drawn, damage
from nnscope.render.offscreen import Offscreen
from tests.render import building, volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (700, 600)
PICTURE = Rect(40, 40, 620, 500)
NORM = building.linear()


def _start() -> Frame:
    values = building.centred_values(NORM, (600, 600))
    coarse = building.tiles(building.centred_values(NORM, (300, 300), 1), level=1, key="coarse")
    shown = building.pane((600, 600), (*coarse, *building.tiles(values)), Camera2D(300, 300, 0.9), PICTURE)
    return building.frame(shown, size=SIZE)


def _with_pane(frame: Frame, **changes: object) -> Frame:
    return replace(frame, panes=(replace(frame.panes[0], **changes),))  # type: ignore[arg-type]


def _rect_of(before: Frame, after: Frame) -> Rect:
    return damage(Drawn.of(before), Drawn.of(after))


def _fresh(frame: Frame, place: int, seed: int) -> Frame:
    """The frame with one tile replaced by another of other values."""
    tiles = list(frame.panes[0].tiles)
    old = tiles[place]
    values = building.centred_values(NORM, old.tile.values.shape, seed)
    tiles[place] = replace(old, key=("fresh", seed), tile=replace(old.tile, values=values))
    return _with_pane(frame, tiles=tuple(tiles))


def test_nothing_changed_nothing_is_drawn() -> None:
    assert _rect_of(_start(), _start()) == Rect(0, 0, 0, 0)


def test_a_new_tile_is_where_it_is() -> None:
    found = _rect_of(_start(), _fresh(_start(), -1, 5))  # the finest tile at the lower right: cells 512 … 600
    x, y = 350 + (512 - 300) * 0.9, 290 + (512 - 300) * 0.9
    assert found.x == pytest.approx(x, abs=1)
    assert found.y == pytest.approx(y, abs=1)
    assert (found.x + found.w, found.y + found.h) == pytest.approx((620, 540), abs=1)


def test_a_marker_is_where_it_was_and_where_it_is() -> None:
    one, other = (_with_pane(_start(), markers=(Marker(row, 300),)) for row in (290, 310))
    found = _rect_of(one, other)
    assert 10 < found.w < 30
    assert 28 < found.h < 50
    assert found.contains(350, 281)
    assert found.contains(350, 299)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: replace(frame, theme=LIGHT),
        lambda frame: _with_pane(frame, camera=Camera2D(301, 300, 0.9)),
        lambda frame: _with_pane(frame, normalisation=building.linear(-2, 2)),
        lambda frame: _with_pane(frame, style=building.style(9)),
        lambda frame: _with_pane(frame, title="another"),
        lambda frame: _with_pane(frame, tiles=frame.panes[0].tiles[::-1]),
    ],
    ids=["theme", "camera", "limits", "colours", "words", "order"],
)
def test_everything_else_is_drawn_anew(change: Callable[[Frame], Frame]) -> None:
    found, pane = _rect_of(_start(), change(_start())), _start().panes[0].rect
    assert found.intersection(pane) == pane


def test_a_volume_that_turns_is_confined_to_its_pane(screen: Offscreen) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (9, 9, 9))
    panes = []
    for left in (4, 150):
        shown = volumes.pane(volumes.picture(x), size=(120, 90))
        panes.append(replace(shown, rect=Rect(left, 4, 138, 112), picture=replace(shown.picture, x=left + 8)))
    before = Frame(300, 120, tuple(panes), DARK)
    assert panes[1].space is not None
    turned = replace(panes[1], space=replace(panes[1].space, camera=Camera3D(40, 20)))
    after = replace(before, panes=(panes[0], turned))
    found = _rect_of(before, after)
    assert found.x > panes[0].picture.x + panes[0].picture.w
    pixels = np.empty((120, 300, 4), np.uint8)
    screen.refresh(before, pixels)
    assert screen.refresh(after, pixels) == found
    with Offscreen() as other:
        assert (other.draw(after)[..., [2, 1, 0, 3]] == pixels).all()


def test_numbers_in_cells_are_drawn_anew() -> None:
    numbers = CellNumbers(0, 0, (("1.0",),))
    frame = _with_pane(_start(), camera=Camera2D(300, 300, 60.0), numbers=numbers)
    assert _rect_of(frame, frame) == Rect(0, 0, *SIZE)


def _changes(seed: int, count: int) -> Iterator[Frame]:
    """A session: tiles come and go, markers move, now and then something else changes."""
    rng = np.random.default_rng(seed)
    frame = _start()
    for number in range(count):
        kind = rng.integers(7)
        pane: PaneFrame = frame.panes[0]
        if kind <= 1:
            frame = _fresh(frame, int(rng.integers(len(pane.tiles))), 100 * seed + number)
        elif kind == 2:
            row, col = (int(v) for v in rng.integers(0, 600, 2))
            frame = _with_pane(frame, markers=(Marker(row, col, int(rng.integers(1, 40))), Marker(col, row, 1, "pin")))
        elif kind == 3 and len(pane.tiles) > 5:
            gone = int(rng.integers(len(pane.tiles)))
            frame = _with_pane(frame, tiles=pane.tiles[:gone] + pane.tiles[gone + 1 :])
        elif kind == 4:
            frame = _with_pane(frame, tiles=_start().panes[0].tiles, markers=())
        elif kind == 5:
            x, y = rng.uniform(200, 400, 2)
            frame = _with_pane(frame, camera=Camera2D(float(x), float(y), float(rng.uniform(0.3, 4))))
        else:
            frame = replace(frame, theme=LIGHT if rng.integers(2) else DARK)
        yield frame


@pytest.mark.gl
@pytest.mark.parametrize("seed", range(3))
def test_the_pixels_are_those_of_drawing_everything(screen: Offscreen, seed: int) -> None:
    from nnscope.render.offscreen import Offscreen

    with Offscreen() as whole:
        for frame in _changes(seed, 25):
            whole.draw(building.frame(size=(8, 8)))  # of another size: nothing of what was drawn stays
            assert (screen.draw(frame) == whole.draw(frame)).all()
