"""Free planes: every cell against a loop over the cells, planes across axes against sections, probes and slabs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import nnscope
from nnscope.compute.space.cutting import placed
from nnscope.compute.space.sheet import along, sheet
from nnscope.core.cut import Cut
from nnscope.core.layout import volume_layout
from nnscope.core.picture import State
from nnscope.core.request import BuildPicture, Probe
from nnscope.engine.local import LocalEngine
from nnscope.scene.slicing import companion, freed
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (9, 14, 20)
ANGLES = st.floats(-180, 180), st.floats(-90, 90)
EDGE = 1e-6  # voxels from a side of a voxel within which rounding may decide


def _asked(x: np.ndarray, request: Any) -> Any:
    engine = LocalEngine(ArraySource({"t": x}), inline=True)
    try:
        return engine.submit(request).future.result()
    finally:
        engine.close()


def _picture(x: np.ndarray, cut: Cut, level: int = 0, reduction: str = "mean") -> tuple[np.ndarray, np.ndarray, Any]:
    view, layout, told = companion(volume_layout(x.shape), cut)
    told = tuple(sorted((*told, ("reduction", reduction))))
    picture = _asked(x, BuildPicture("t", layout, view, told, level=level))
    (tile,) = picture.tiles
    return tile.values, tile.states, picture


def _by_hand(x: np.ndarray, cut: Cut, row: int, col: int, grid: tuple[int, int]) -> tuple[list[float], bool]:
    """The values through the slab in a cell, from the definition alone; and whether rounding may decide."""
    a, e = math.radians(cut.azimuth), math.radians(cut.elevation)
    n = np.array((-math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)))
    right = np.array((math.cos(a), 0.0, math.sin(a)))
    down = np.cross(n, right)
    right, down = (v * np.sign(v[np.argmax(np.abs(v))]) for v in (right, down))
    found, close = [], False
    for k in range(cut.thickness):
        away = cut.at + k + 0.5 - cut.thickness / 2
        p = np.array(x.shape[::-1]) / 2 + away * n
        p = p + (col + 0.5 - grid[1] / 2) * right + (row + 0.5 - grid[0] / 2) * down
        close |= bool((np.abs(p - np.round(p)) < EDGE).any())
        across, along_y, depth = (math.floor(v) for v in p)
        if 0 <= across < x.shape[2] and 0 <= along_y < x.shape[1] and 0 <= depth < x.shape[0]:
            found.append(float(x[depth, along_y, across]))
    return found, close


def _reduced(values: list[float], how: str) -> float:
    if how == "mean":
        return math.fsum(values) / len(values)
    return max(values) if how == "max" else max(values, key=abs)


@given(*ANGLES, st.floats(-6, 6), st.integers(1, 4), st.sampled_from(["mean", "max", "extremes"]))
@settings(deadline=None, max_examples=20)
def test_every_cell_shows_its_voxel_and_what_is_outside_is_padding(
    azimuth: float, elevation: float, at: float, thickness: int, how: str
) -> None:
    x = np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    cut = placed(Cut("", at, thickness, how, azimuth, elevation), SHAPE)
    found = sheet(cut, SHAPE)
    for way in (found.right, found.down):  # two that are all but equally long may turn either way
        sizes = np.sort(np.abs(way))
        assume(sizes[2] - sizes[1] > EDGE)
    values, states, picture = _picture(x, cut)
    rows, cols = picture.grid
    assert (rows, cols) == values.shape == found.grid
    told = doubtful = 0
    for row in range(rows):
        for col in range(cols):
            expected, close = _by_hand(x, cut, row, col, (rows, cols))
            doubtful += close
            if close:
                continue
            assert states[row, col] == (State.FINITE if expected else State.PADDING)
            if expected:
                assert values[row, col] == pytest.approx(_reduced(expected, how), rel=1e-6, abs=1e-7)
                told += thickness > 1 or values[row, col] == np.float32(expected[0])
    assert 0 <= int((states == State.FINITE).sum()) - told <= doubtful


@pytest.mark.parametrize("how", ["mean", "max", "extremes"])
@pytest.mark.parametrize("thickness", [1, 3, 4])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_across_an_axis_it_is_the_section(axis: str, thickness: int, how: str) -> None:
    x = np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)
    cut = Cut(axis, 4, thickness, how)
    flat, states, picture = _picture(x, cut)
    free, free_states, sheets = _picture(x, freed(cut, SHAPE))
    assert sheets.view == "plane"
    assert picture.view in ("heatmap", "section")
    assert sheets.grid == picture.grid
    rows, cols = picture.grid
    assert np.array_equal(free, flat[:rows, :cols])
    assert np.array_equal(free_states, states[:rows, :cols])


def test_the_box_holds_all_that_a_plane_shows() -> None:
    """No plane meets the volume beyond its grid: with rows and columns added all around they are padding."""
    rng = np.random.default_rng(6)
    for azimuth, elevation, at in rng.uniform((-180, -90, -9), (180, 90, 9), (50, 3)):
        found = sheet(placed(Cut("", at, 1, "mean", azimuth, elevation), SHAPE), SHAPE)
        rows, cols = found.grid
        _, outside = found.voxels((-1, rows + 1), (-1, cols + 1))
        assert outside[0, [0, -1]].all()
        assert outside[0, :, [0, -1]].all()
        assert not outside.all() or abs(at) > 4


def test_strange_values_zoom_and_padding_of_the_layout() -> None:
    x = np.ones((5, 12, 12), np.float32)
    x[:, :6] = np.nan
    x[2, 11, 11] = np.inf
    values, states, _ = _picture(x, Cut("", 0.0, 1, "mean", 0.0, 0.0))
    assert (states[:6] == State.NAN).all()
    assert states[11, 11] == State.POSINF
    assert (values[6:, :11] == 1).all()
    coarse, states, _ = _picture(x, Cut("", 0.0, 1, "mean", 0.0, 0.0), level=1)
    assert (states[:3] == State.NAN).all()
    assert (coarse[3:5] == 1).all()
    slab, states, _ = _picture(x, Cut("", 0.0, 5, "mean", 0.0, 0.0))
    assert (states[:6] == State.NAN).all()
    assert (slab[6:] == 1).all()  # of finite values


@given(*ANGLES, st.floats(-3, 3), st.sampled_from(["mean", "max", "extremes"]), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=15)
def test_hovering_names_the_element_that_is_shown(
    azimuth: float, elevation: float, at: float, how: str, thickness: int
) -> None:
    x = np.random.default_rng(8).normal(size=SHAPE).astype(np.float32)
    cut = placed(Cut("", at, thickness, how, azimuth, elevation), SHAPE)
    values, states, _ = _picture(x, cut)
    view, layout, told = companion(volume_layout(SHAPE), cut)
    cells = np.argwhere(states == State.FINITE)
    for row, col in cells[:: max(1, len(cells) // 5)].tolist():
        answer = _asked(x, Probe("t", layout, row, col, 0, view, told))
        assert answer.value == x[answer.index]
        if thickness == 1:
            assert answer.block is None
            assert answer.value == values[row, col]
            voxel = layout.voxel_of(answer.index)
            assert voxel is not None
            back = sheet(cut, SHAPE).cell_of(voxel)  # a voxel may be seen in two cells
            assert back is None or values[back] == values[row, col]
        elif how == "mean":
            assert answer.block.mean == pytest.approx(values[row, col], rel=1e-5, abs=1e-6)
        else:
            assert answer.value == values[row, col]
    for row, col in np.argwhere(states == State.PADDING)[:3].tolist():
        assert _asked(x, Probe("t", layout, row, col, 0, view, told)).index is None


def test_a_block_of_cells_is_told_with_what_is_in_it() -> None:
    x = np.random.default_rng(9).normal(size=SHAPE).astype(np.float32)
    cut = Cut("", 0.5, 1, "mean", 25.0, 35.0)
    values, states, _ = _picture(x, cut)
    view, layout, told = companion(volume_layout(SHAPE), cut)
    answer = _asked(x, Probe("t", layout, 1, 1, 3, view, told))
    inside = values[8:16, 8:16][states[8:16, 8:16] == State.FINITE]
    assert answer.block.count == len(inside) > 10
    assert answer.block.mean == pytest.approx(inside.mean(), rel=1e-5, abs=1e-6)
    assert answer.value == x[answer.index]


def test_planes_of_many_tiles_are_one_picture() -> None:
    """A volume that is longer than a tile: tiles join, and the whole is what its cells are alone."""
    x = np.arange(3 * 5 * 700, dtype=np.float32).reshape(3, 5, 700)
    cut = Cut("", 0.2, 2, "max", 3.0, 40.0)
    view, layout, told = companion(volume_layout(x.shape), cut)
    picture = _asked(x, BuildPicture("t", layout, view, told, tiles=((0, 0), (0, 1), (0, 2))))
    joined = np.concatenate([tile.values for tile in picture.tiles], 1)
    assert joined.shape == picture.grid
    for row, col in np.random.default_rng(1).integers((0, 0), picture.grid, (200, 2)).tolist():
        expected, close = _by_hand(x, cut, row, col, picture.grid)
        if expected and not close:
            assert joined[row, col] == max(expected)


def test_long_planes_are_refused_and_settings_are_checked() -> None:
    x = np.broadcast_to(np.float32(1), (6000, 6000, 4))
    view, layout, told = companion(volume_layout(x.shape), Cut("", 0.0, 1, "mean", 90.0, 0.0))
    assert "too large" in str(_asked(x, BuildPicture("t", layout, view, told)))
    wrong = tuple(sorted({**dict(told), "elevation": 91.0}.items()))
    assert "out of range" in str(_asked(x, BuildPicture("t", layout, view, wrong)))


@pytest.mark.parametrize(
    ("way", "words"),
    [((0, 1, 0), "y"), ((0.866, 0, -0.5), "0.87 x − 0.5 z"), ((-1e-4, 0.6, 0.8), "0.6 y + 0.8 z")],
    ids=["axis", "aslant", "nearly"],
)
def test_directions_in_words(way: tuple[float, float, float], words: str) -> None:
    assert along(np.array(way)) == words


def test_headless_pictures_of_free_planes(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    with nnscope.open(tmp_path / "x.npy") as source:
        told = {"azimuth": 40, "elevation": 10, "at": 1.5}
        picture = source["x"].render(view="plane", settings=told, size=(300, 240), scientific=True)
        assert picture.faithful
        assert any("facing 40°, 10°" in step.detail for step in picture.steps)
        other = source["x"].render(view="plane", settings={**told, "at": -2.5}, size=(300, 240), scientific=True)
        assert not np.array_equal(picture.rgba, other.rgba)
