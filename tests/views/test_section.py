"""Sections: slabs reduced as NumPy does it, zoomed out, probed, and with values that are no numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscope
from nnscope.core.layout import volume_layout
from nnscope.core.picture import State, TilePicture
from nnscope.core.request import BuildPicture, Probe
from nnscope.engine.local import LocalEngine
from nnscope.views.section import slab_of
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (9, 14, 20)


def _asked(x: np.ndarray, request: Any) -> Any:
    engine = LocalEngine(ArraySource({"t": x}), inline=True)
    try:
        return engine.submit(request).future.result()
    finally:
        engine.close()


def _settings(at: int, thickness: int, through: str, reduction: str = "mean") -> tuple[tuple[str, Any], ...]:
    return (("at", at), ("reduction", reduction), ("thickness", thickness), ("through", through))


def _through(x: np.ndarray, how: str) -> np.ndarray:
    if how == "mean":
        return np.asarray(x.mean(0, dtype=np.float64))
    best = (x if how == "max" else np.abs(x)).argmax(0)
    return np.asarray(np.take_along_axis(x, best[None], 0)[0])


@pytest.mark.parametrize("through", ["mean", "max", "extremes"])
@pytest.mark.parametrize("across", [0, 1, 2])
def test_cells_are_reduced_through_the_slab(across: int, through: str) -> None:
    x = np.random.default_rng(across).normal(size=SHAPE).astype(np.float32)
    rows, cols = (axis for axis in range(3) if axis != across)
    layout = replace(volume_layout(SHAPE), rows=(rows,), cols=(cols,), depth=(across,))
    request = BuildPicture("t", layout, "section", _settings(3, 4, through))
    picture = _asked(x, request)
    assert isinstance(picture, TilePicture)
    height, width = layout.grid
    expected = _through(np.moveaxis(x, across, 0)[3:7], through)
    assert picture.tiles[0].values[:height, :width] == pytest.approx(expected, rel=1e-6, abs=1e-7)
    assert any("of 4 depths, 3 … 6" in step.detail for step in picture.recipe)
    assert all(step.faithful for step in picture.recipe)
    coarse = _asked(x, replace(request, level=1))
    blocks = expected[: height // 2 * 2, : width // 2 * 2].reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    assert coarse.tiles[0].values[: height // 2, : width // 2] == pytest.approx(blocks, rel=1e-5, abs=1e-6)


def test_only_finite_values_count_and_none_is_told() -> None:
    x = np.ones((4, 3, 3), np.float32)
    x[1, 0, 0] = np.nan
    x[:, 1, 1] = np.nan
    x[2, 2, 2] = np.inf
    tile = _asked(x, BuildPicture("t", volume_layout(x.shape), "section", _settings(0, 4, "mean"))).tiles[0]
    assert tile.states[1, 1] == State.NAN
    states = tile.states[:3, :3].ravel().tolist()
    assert states.count(int(State.FINITE)) == 8
    assert set(tile.values[:3, :3][tile.states[:3, :3] == State.FINITE].tolist()) == {1.0}


def test_hovering_tells_the_first_element_and_the_statistics_through_the_slab() -> None:
    x = np.random.default_rng(7).normal(size=SHAPE).astype(np.float32)
    answer = _asked(x, Probe("t", volume_layout(SHAPE), 5, 11, 0, "section", _settings(2, 3, "mean")))
    assert (answer.index, answer.value) == ((2, 5, 11), float(x[2, 5, 11]))
    assert answer.block.count == 3
    assert answer.block.mean == pytest.approx(float(x[2:5, 5, 11].mean()), rel=1e-6)
    one = _asked(x, Probe("t", volume_layout(SHAPE), 5, 11, 0, "section", _settings(2, 1, "mean")))
    assert one.block is None


@pytest.mark.parametrize(
    ("settings", "depths"),
    [
        ((), (4, 5)),
        (_settings(8, 5, "max"), (8, 9)),
        (_settings(99, 1, "max"), (8, 9)),
        (_settings(0, 99, "max"), (0, 9)),
    ],
)
def test_a_slab_lies_within_the_volume(settings: Any, depths: tuple[int, int]) -> None:
    assert slab_of(volume_layout(SHAPE), settings)[0] == depths


def test_headless_pictures_take_the_settings_of_a_section(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    with nnscope.open(tmp_path / "x.npy") as source:
        picture = source["x"].render(
            view="section", settings={"at": 2, "thickness": 3, "through": "max"}, size=(300, 240)
        )
        assert any("of 3 depths, 2 … 4" in step.detail for step in picture.steps)
        with pytest.raises(nnscope.NnscopeError, match="no setting"):
            source["x"].render(view="section", settings={"depth": 2})
