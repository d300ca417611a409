"""Landscapes through the front door: shapes and values of all kinds, one spike among a million, options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscope
from nnscope.compute.colour import colour_style
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (640, 420)


def _picture(folder: Path, x: np.ndarray, **how: Any) -> Any:
    np.save(folder / "x.npy", x)
    with nnscope.open(folder / "x.npy") as source:
        return source["x"].render(view="landscape", size=SIZE, **how)


@pytest.mark.gl
@pytest.mark.parametrize(
    "x",
    [
        np.array(3.0),
        np.ones((1, 1), np.float32),
        np.arange(5000),
        np.full((30, 40), np.nan),
        np.full((30, 40), -0.5, np.float16),
        np.arange(60).reshape(3, 4, 5) > 20,
        np.arange(12.0).reshape(3, 4) * 1j,
    ],
    ids=["scalar", "1x1", "vector", "all NaN", "constant", "mosaic of bools", "complex"],
)
def test_shapes_and_values_of_all_kinds(tmp_path: Path, x: np.ndarray) -> None:
    picture = _picture(tmp_path, x)
    ground = picture.rgba[5, 320, :3]
    assert (picture.rgba[60:, 60:450, :3] != ground).any(-1).sum() > 100
    assert not picture.faithful
    assert any(step.name == "height" for step in picture.steps)


@pytest.mark.gl
@pytest.mark.parametrize("camera", [(31, 25, 1.6), (0, 90, 3), (45, 5, 8)], ids=str)
def test_one_spike_among_a_million_is_seen_under_extremes(tmp_path: Path, camera: tuple[float, float, float]) -> None:
    x = np.zeros((1000, 1000), np.float32)
    x[432, 567] = 1
    picture = _picture(tmp_path, x, camera=camera, scientific=True, reduction="extremes", colours="viridis")
    assert picture.legend.level > 0
    top = colour_style("viridis", "dark").lut[255, :3]
    assert (picture.rgba[60:, 60:450, :3] == top).all(-1).any()


def test_an_empty_tensor_says_so(tmp_path: Path) -> None:
    with pytest.raises(NnscopeError, match="empty"):
        _picture(tmp_path, np.zeros((0, 4)))


@pytest.mark.gl
def test_scientific_mode_has_plain_colours_and_states_its_scale(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    picture = _picture(tmp_path, x, scientific=True)
    assert picture.faithful
    assert [step.name for step in picture.steps] == ["read", "height", "columns", "linear", "colour map"]
    assert any("one cell's side stands for" in note for note in picture.legend.notes)
    assert any("linear from" in step.detail for step in picture.steps)
