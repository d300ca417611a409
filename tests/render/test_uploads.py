"""What goes to the GPU: new tiles and new colour maps, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.frame import Camera2D, PaneFrame, PlacedTile, Rect
from tests.render import building

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.render.offscreen import Offscreen
    from nnscope.render.renderer import Renderer

pytestmark = pytest.mark.gl

PICTURE = Rect(8, 8, 400, 300)


class Counter:
    """Draws panes and tells what each uploaded."""

    def __init__(self, screen: Offscreen, renderer: Renderer) -> None:
        self._screen = screen
        self._renderer = renderer

    def draw(self, *panes: PaneFrame) -> tuple[int, int]:
        """Tiles and palettes that were new."""
        layer = self._renderer.tiles
        before = layer.uploads, layer.palette_uploads
        self._screen.draw(building.frame(*panes))
        return layer.uploads - before[0], layer.palette_uploads - before[1]


@pytest.fixture
def counter() -> Iterator[Counter]:
    from nnscope.render.offscreen import Offscreen

    with Offscreen() as screen, screen.renderer() as renderer:
        yield Counter(screen, renderer)


def _pane(key: str = "", grid: tuple[int, int] = (600, 700)) -> PaneFrame:
    """All of it in sight: what isn't seen isn't uploaded."""
    values, (rows, cols) = np.zeros(grid, np.float32), grid
    camera = Camera2D(cols / 2, rows / 2, min(300 / rows, 400 / cols))
    return building.pane(grid, building.tiles(values, key=key), camera, PICTURE)


def test_tiles_out_of_sight_wait(counter: Counter) -> None:
    shown = _pane(grid=(256 * 4, 256 * 4))
    near = replace(shown, camera=Camera2D(512, 512, 1.0))
    assert counter.draw(near) == (4, 1)
    assert counter.draw(shown) == (12, 0)


def test_tiles_are_uploaded_once(counter: Counter) -> None:
    assert counter.draw(_pane()) == (9, 1)
    assert counter.draw(_pane()) == (0, 0)


def test_limits_upload_nothing(counter: Counter) -> None:
    counter.draw(_pane())
    for high in (0.5, 0.25, 1e-3):
        assert counter.draw(replace(_pane(), normalisation=building.linear(-high, high))) == (0, 0)


def test_moving_the_camera_uploads_nothing(counter: Counter) -> None:
    counter.draw(_pane())
    assert counter.draw(building.moved(_pane(), x=100.0, zoom=3.0)) == (0, 0)


def test_a_new_colour_map_is_one_row_and_an_old_one_is_kept(counter: Counter) -> None:
    counter.draw(_pane())
    assert counter.draw(replace(_pane(), style=building.style(5))) == (0, 1)
    assert counter.draw(_pane()) == (0, 0)


def test_many_colour_maps_take_turns(counter: Counter) -> None:
    for seed in range(20):
        counter.draw(replace(_pane(), style=building.style(seed)))
    assert counter.draw(replace(_pane(), style=building.style(19))) == (0, 0)
    assert counter.draw(replace(_pane(), style=building.style(0))) == (0, 1)


def test_one_new_tile_is_one_upload(counter: Counter) -> None:
    shown = _pane()
    counter.draw(shown)
    changed = PlacedTile(("newer", 1), 0, shown.tiles[4].tile)
    assert counter.draw(replace(shown, tiles=(*shown.tiles[:4], changed, *shown.tiles[5:]))) == (1, 0)


def test_two_panes_share_the_tiles_of_one_tensor(counter: Counter) -> None:
    left = _pane()
    right = replace(left, picture=Rect(500, 8, 300, 300), rect=Rect(492, 0, 316, 316))
    assert counter.draw(left, right) == (9, 1)


def test_two_panes_do_not_push_each_other_out(counter: Counter) -> None:
    """80 tiles in all: more than the atlas has room for at first."""
    left = _pane("a", (256 * 5, 256 * 8))
    right = replace(_pane("b", (256 * 5, 256 * 8)), picture=Rect(500, 8, 400, 300), rect=Rect(492, 0, 416, 316))
    assert counter.draw(left, right)[0] == 80
    assert counter.draw(left, right) == (0, 0)


def test_the_least_recently_drawn_tiles_make_room(counter: Counter) -> None:
    old, kept = _pane("old", (256 * 4, 256 * 8)), _pane("kept", (256, 256 * 8))
    counter.draw(old)
    counter.draw(kept)
    for i in range(3):
        counter.draw(_pane(f"new {i}", (256 * 2, 256 * 8)))
        assert counter.draw(kept) == (0, 0)
    assert counter.draw(old)[0] == 24, "32 + 8 + 3 × 16 tiles for 64 places"
