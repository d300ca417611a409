"""Large grids: kept levels, tiles on the spot, labelled samples and the disk agree with block reduction."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.layout import Layout, default_layout
from nnscope.core.picture import TILE
from nnscope.core.request import BuildPicture, Probe
from nnscope.engine import context as contexts
from nnscope.engine.context import Context
from nnscope.store.disk import ENVIRONMENT
from nnscope.store.memo import Memo
from nnscope.views import tiling
from nnscope.views.registry import find_view
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A grid that counts as large: its base level is 2."""
    monkeypatch.setattr(tiling, "PYRAMID_CELLS", 50_000)
    monkeypatch.setattr(tiling, "SAMPLE_READ", 20_000)
    return np.random.default_rng(0).normal(1, 2, (900, 700)).astype(np.float16)


def context_of(array: np.ndarray, origin: str = "") -> Context:
    source = ArraySource({"x": array})
    source.origin = origin  # type: ignore[attr-defined]
    return Context(source, Memo(1 << 26), threading.Event())


def build(context: Context, layout: Layout, level: int, tiles=((0, 0),), exact: bool = True, reduction: str = "mean"):
    request = BuildPicture("x", layout, settings=(("reduction", reduction),), level=level, tiles=tiles, exact=exact)
    return find_view("heatmap").build(context, request)


@pytest.mark.parametrize("level", [0, 1, 2, 3, 5, 10])
@pytest.mark.parametrize("reduction", ["mean", "max", "extremes"])
def test_every_level_is_the_block_reduction(large: np.ndarray, level: int, reduction: str) -> None:
    layout = default_layout(large.shape)
    assert tiling.base_level(layout.grid) == 2
    tile = build(context_of(large), layout, level, reduction=reduction).tiles[0]
    side = 2**level
    x = large.astype(np.float64)
    for r, c in ((0, 0), (tile.values.shape[0] - 1, tile.values.shape[1] - 1)):
        block = x[r * side : (r + 1) * side, c * side : (c + 1) * side]
        flat = block.ravel()
        expected = {"mean": flat.mean(), "max": flat.max(), "extremes": flat[np.abs(flat).argmax()]}[reduction]
        assert tile.values[r, c] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_tiles_are_where_they_say(large: np.ndarray) -> None:
    tiles = build(context_of(large), default_layout(large.shape), 0, ((3, 2), (0, 1))).tiles
    np.testing.assert_array_equal(tiles[0].values, large[3 * TILE :, 2 * TILE :].astype(np.float32))
    np.testing.assert_array_equal(tiles[1].values, large[:TILE, TILE : 2 * TILE].astype(np.float32))


def test_a_sample_is_labelled_and_near(large: np.ndarray) -> None:
    context = context_of(large)
    layout = default_layout(large.shape)
    picture = build(context, layout, 8, exact=False)
    assert 0 < picture.sampled < 0.1
    assert picture.tiles[0].values.shape == (4, 3)
    assert abs(float(picture.tiles[0].values.mean()) - 1) < 0.5
    assert any(step.name == "sample" for step in picture.recipe)
    exact = build(context, layout, 8)
    assert exact.sampled == 1
    again = build(context, layout, 8, exact=False)
    assert again.sampled == 1  # what is known exactly is never sampled


def test_layouts_that_can_t_skip_rows_are_exact(large: np.ndarray) -> None:
    layout = default_layout((900 * 700,))
    assert not tiling.can_sample(layout)
    assert build(context_of(large.ravel()), layout, 9, exact=False).sampled == 1


@pytest.mark.parametrize("level", [1, 3, 9])
def test_probe_of_a_block(large: np.ndarray, level: int) -> None:
    side = 2**level
    for prepare in (False, True):
        context = context_of(large)
        layout = default_layout(large.shape)
        if prepare:
            build(context, layout, level)
        answer = find_view("heatmap").probe(context, Probe("x", layout, 1, 1, level))
        block = large[side : 2 * side, side : 2 * side].astype(np.float64)
        assert answer.index == (side, side)
        assert answer.value == large[side, side]
        assert answer.block is not None
        assert answer.block.count == block.size
        assert answer.block.mean == pytest.approx(block.mean(), abs=1e-5)
        assert answer.block.std == pytest.approx(block.std(), rel=1e-4)
        assert (answer.block.min, answer.block.max) == (block.min(), block.max())


def test_upper_levels_come_back_from_disk(large: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    monkeypatch.setattr(contexts, "WORTH_KEEPING", 0.0)
    layout = default_layout(large.shape)
    first = build(context_of(large, "file"), layout, 4)
    assert len(list(tmp_path.iterdir())) == 1
    blank = np.zeros_like(large)  # the same origin and version: the values must come from the disk
    second = build(context_of(blank, "file"), layout, 4)
    np.testing.assert_array_equal(first.tiles[0].values, second.tiles[0].values)
    other = build(context_of(blank, "another file"), layout, 4)
    assert not other.tiles[0].values.any()
