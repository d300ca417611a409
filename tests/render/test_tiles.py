"""The pixels of tiles, predicted: each shows the very cell under its centre, in the very colour of its value."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnscope.core.frame import DARK, LIGHT, Camera2D, Frame, PaneFrame, PlacedTile, Rect
from nnscope.core.legend import Normalisation
from nnscope.core.picture import Tile, level_shape
from nnscope.render.furniture import SEPARATOR_ZOOM
from tests.render import building

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

PICTURE = Rect(9, 11, 301, 202)
LOG = Normalisation("log", "log", 0.0, 0.01, -5.0, 5.0)
TANH = Normalisation("tanh", "tanh", 0.1, 0.7, -1.0, 1.0, faithful=False)


def _states(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(5).choice(5, shape, p=[0.9, 0.025, 0.025, 0.025, 0.025]).astype(np.uint8)


def _scene(
    grid: tuple[int, int], camera: Camera2D, norm: Normalisation | None = None, level: int = 0
) -> tuple[PaneFrame, np.ndarray, np.ndarray]:
    shape = level_shape(grid, level)
    norm = norm or building.linear()
    values, states = building.centred_values(norm, shape), _states(shape)
    placed = building.tiles(values, states, level, key=(grid, norm, level))
    return building.pane(grid, placed, camera, PICTURE, norm), values, states


def _check(screen: Offscreen, shown: PaneFrame, values: np.ndarray, states: np.ndarray, level: int = 0) -> None:
    pixels = building.inside(screen.draw(building.frame(shown)), shown)
    wanted, mask = building.expected(shown, values, states, level)
    assert mask.any()
    wrong = np.argwhere(mask & (pixels != wanted).any(axis=-1))
    assert not len(wrong), f"{len(wrong)} pixels differ, the first at {wrong[0]}"


CAMERAS = {
    "one pixel a cell": Camera2D(150.5, 101, 1),
    "two": Camera2D(300, 256, 2),
    "half a pixel off": Camera2D(40.25, 30.75, 2),
    "odd zoom": Camera2D(256.3, 255.7, 1.37),
    "large cells": Camera2D(255.4, 256.2, 13.7),
    "one cell fills all": Camera2D(256.6, 255.5, 1000),
    "upper left corner beyond the middle": Camera2D(-20.1, -10.2, 3.3),
    "lower right corner": Camera2D(519.9, 519.9, 5.5),
    "narrower than a pixel": Camera2D(256, 256, 0.77),
}


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
def test_heat_map(screen: Offscreen, camera: Camera2D) -> None:
    _check(screen, *_scene((520, 530), camera))


@given(
    grid=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    at=st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1)),
    zoom=st.floats(-2, 7).map(lambda power: 2**power),
    size=st.tuples(st.integers(1, 150), st.integers(1, 120)),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_camera(
    screen: Offscreen, grid: tuple[int, int], at: tuple[float, float], zoom: float, size: tuple[int, int]
) -> None:
    level = max(0, math.ceil(-math.log2(zoom) - 1e-9))
    shown, values, states = _scene(grid, Camera2D(at[1] * grid[1], at[0] * grid[0], zoom), level=level)
    shown = replace(shown, picture=Rect(9, 11, *size))
    wanted, mask = building.expected(shown, values, states, level)
    lines = zoom > SEPARATOR_ZOOM
    if lines:  # compare the inside of cells only
        rows, cols = building.cells_under(shown)
        mask[1:][np.diff(rows) != 0] = False
        mask[:, 1:][:, np.diff(cols) != 0] = False
    pixels = building.inside(screen.draw(building.frame(shown)), shown)
    assert (pixels[mask] == wanted[mask]).all()


@pytest.mark.parametrize("norm", [LOG, TANH, building.linear(1000, 1000.5), building.linear(-2e38, 2e38)], ids=str)
def test_normalisations(screen: Offscreen, norm: Normalisation) -> None:
    _check(screen, *_scene((150, 160), Camera2D(75, 80, 1.9), norm))


@pytest.mark.parametrize("grid", [(1, 1), (1, 700), (700, 1), (3, 5), (257, 256), (255, 513)], ids=str)
def test_grids_end_where_they_end(screen: Offscreen, grid: tuple[int, int]) -> None:
    shown, values, states = _scene(grid, Camera2D(grid[1] - 1.2, grid[0] - 0.7, 7.3))
    _check(screen, shown, values, states)
    pixels = building.inside(screen.draw(building.frame(shown)), shown)
    _, mask = building.expected(shown, values, states)
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    mask[max(rows[0] - 1, 0) : rows[-1] + 2, max(cols[0] - 1, 0) : cols[-1] + 2] = True  # its edge is one pixel wide
    assert (pixels[~mask] == DARK.ground).all()


@pytest.mark.parametrize("level", [1, 2, 3, 5])
@pytest.mark.parametrize("grid", [(1001, 1403), (513, 2049), (999, 3)], ids=str)
def test_levels_with_odd_edges(screen: Offscreen, grid: tuple[int, int], level: int) -> None:
    for x, y in ((grid[1] / 2, grid[0] / 2), (grid[1] - 1.3, grid[0] - 2.1)):
        shown, values, states = _scene(grid, Camera2D(x, y, 1.31 / 2**level), level=level)
        _check(screen, shown, values, states, level)


@pytest.mark.parametrize("picture", [Rect(0, 0, 64, 64), Rect(0, 0, 1, 1), Rect(3, 5, 801, 3)], ids=str)
def test_pictures_of_any_size(screen: Offscreen, picture: Rect) -> None:
    shown, values, states = _scene((300, 300), Camera2D(150, 150, 1.5))
    shown = replace(shown, picture=picture, rect=picture)
    _check(screen, shown, values, states)


def test_tiles_with_and_without_special_cells_side_by_side(screen: Offscreen) -> None:
    values = building.centred_values(building.linear(), (300, 700))
    states = np.zeros((300, 700), np.uint8)
    states[10:20, 300:310] = 1
    shown = building.pane((300, 700), building.tiles(values, states, key="mixed"), Camera2D(350, 150, 0.7), PICTURE)
    _check(screen, shown, values, states)


def test_colour_tiles(screen: Offscreen) -> None:
    rgba = np.random.default_rng(2).integers(0, 256, (400, 300, 4)).astype(np.uint8)
    states = _states((400, 300))
    placed = building.tiles(states.astype(np.float32), states, rgba=rgba, key="rgba")
    shown = building.pane((400, 300), placed, Camera2D(150.1, 200.2, 1.7), PICTURE, None)
    pixels = building.inside(screen.draw(building.frame(replace(shown, normalisation=None))), shown)
    rows, cols = building.cells_under(shown)
    state = states[rows[:, None], cols]
    assert (pixels[state == 0] == rgba[rows[:, None], cols, :3][state == 0]).all()
    special = np.array([(0, 0, 0), building.NAN, building.POSINF, building.NEGINF, building.PADDING])
    assert (pixels[state > 0] == special[state[state > 0]]).all()


def test_colour_tiles_need_no_style(screen: Offscreen) -> None:
    rgba = np.full((4, 4, 4), 200, np.uint8)
    states = np.zeros((4, 4), np.uint8)
    states[0] = 4
    placed = building.tiles(states.astype(np.float32), states, rgba=rgba, key="plain")
    shown = building.pane((4, 4), placed, Camera2D(2, 2, 15), PICTURE, style=None)
    pixels = screen.draw(building.frame(shown, theme=LIGHT))
    x, y = PICTURE.x + PICTURE.w // 2, PICTURE.y + PICTURE.h // 2
    assert tuple(pixels[y - 25, x, :3]) == LIGHT.ground
    assert tuple(pixels[y + 20, x, :3]) == (200, 200, 200)


def test_finer_tiles_lie_over_coarser_ones(screen: Offscreen) -> None:
    grid = (512, 512)
    shown, values, states = _scene(grid, Camera2D(256, 256, 0.4))
    coarse = building.tiles(building.centred_values(building.linear(), (64, 64), seed=9), level=3, key="coarse")
    fine = shown.tiles[3]
    part = screen.draw(building.frame(replace(shown, tiles=(*coarse, fine))))
    alone = screen.draw(building.frame(replace(shown, tiles=coarse)))
    whole, mask = building.expected(shown, values, states)
    rows, cols = building.cells_under(shown)
    finer = mask & (rows >= 256)[:, None] & (cols >= 256)
    assert (building.inside(part, shown)[finer] == whole[finer]).all()
    assert (building.inside(part, shown)[mask & ~finer] == building.inside(alone, shown)[mask & ~finer]).all()


def test_where_tiles_are_missing_the_extent_of_the_grid_shows(screen: Offscreen) -> None:
    shown, _, _ = _scene((512, 512), Camera2D(256, 256, 0.3))
    pixels = building.inside(screen.draw(building.frame(replace(shown, tiles=shown.tiles[:1]))), shown)
    rows, cols = building.cells_under(shown)
    missing = ((rows >= 256)[:, None] & (cols >= 0)) | ((rows >= 0)[:, None] & (cols >= 256))
    assert (pixels[missing] == DARK.panel).all()


def test_panes_keep_to_their_own_pictures(screen: Offscreen) -> None:
    left, a, s = _scene((300, 400), Camera2D(130, 100, 2.2))
    right, b, t = _scene((200, 200), Camera2D(60, 80, 3.1), building.linear(-2, 5))
    right = replace(right, picture=Rect(350, 11, 120, 202), rect=Rect(330, 0, 160, 220), style=building.style(3))
    pixels = screen.draw(Frame(490, 220, (replace(left, rect=Rect(0, 0, 329, 220)), right)))
    for shown, values, states in ((left, a, s), (right, b, t)):
        wanted, mask = building.expected(shown, values, states)
        assert (building.inside(pixels, shown)[mask] == wanted[mask]).all()


def test_a_value_without_a_normalisation_is_not_drawn(screen: Offscreen) -> None:
    shown, _, _ = _scene((30, 30), Camera2D(15, 15, 4))
    pixels = screen.draw(building.frame(replace(shown, normalisation=None)))
    assert (building.inside(pixels, shown)[50:60, 150:160] != building.UNDER).any()
    assert len(np.unique(building.inside(pixels, shown)[80:120, 130:170].reshape(-1, 3), axis=0)) == 1


def test_more_tiles_than_the_atlas_holds(screen: Offscreen, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.render import atlas
    from nnscope.render.offscreen import Offscreen as Fresh

    monkeypatch.setattr(atlas, "START", 512)
    monkeypatch.setattr(atlas, "ROOMY", 512)
    monkeypatch.setattr(atlas, "LARGEST", 1024)
    grid = (300, 6000)  # 2 × 24 tiles; 16 fit
    values, states = building.centred_values(building.linear(), grid), _states(grid)
    shown = building.pane(grid, building.tiles(values, states), Camera2D(3000, 150, 0.1), Rect(9, 11, 610, 60))
    with Fresh() as small:
        _check(small, shown, values, states)
        _check(small, building.moved(shown, zoom=0.3), values, states)


def test_odd_tiles_do_not_leak_into_neighbours(screen: Offscreen) -> None:
    """A slot that held a full tile before is used by a small one; the cells beyond its end stay unseen."""
    grid = (3, 300)
    values = building.centred_values(building.linear(), grid)
    states = np.zeros(grid, np.uint8)
    shown = building.pane(grid, building.tiles(values, key="narrow"), Camera2D(150, 1.5, 1), PICTURE)
    _check(screen, shown, values, states)


def test_tile_arrays_need_not_be_contiguous(screen: Offscreen) -> None:
    values = building.centred_values(building.linear(), (200, 100))
    turned = PlacedTile("turned", 0, Tile(0, 0, values.T, np.zeros((200, 100), np.uint8).T))
    shown = building.pane((100, 200), (turned,), Camera2D(100, 50, 1.5), PICTURE)
    _check(screen, shown, values.T, np.zeros((100, 200), np.uint8))
