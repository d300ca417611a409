"""Signs: −1, 0 and 1 whatever the magnitudes, and what a cell of many says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscope
from nnscope.core.layout import planes
from nnscope.core.picture import State
from nnscope.core.request import BuildPicture, Probe
from nnscope.core.tensor import TensorInfo
from nnscope.engine.local import LocalEngine
from nnscope.views.registry import find_view
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from pathlib import Path


def _asked(x: np.ndarray, *requests: Any) -> list[Any]:
    engine = LocalEngine(ArraySource({"t": x}), inline=True)
    try:
        return [engine.submit(request).future.result() for request in requests]
    finally:
        engine.close()


def _magnitudes(shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * 10.0 ** rng.uniform(-40, 30, shape)
    x[3], x[4, 5], x[6, 7], x[8, 9] = 0, np.nan, np.inf, -np.inf
    return x.astype(np.float32)


def test_a_cell_is_the_sign_of_its_value() -> None:
    x = _magnitudes((30, 40))
    (picture,) = _asked(x, BuildPicture("t", planes(x.shape), "signs"))
    values, states = picture.tiles[0].values[:30, :40], picture.tiles[0].states[:30, :40]
    finite = np.isfinite(x)
    np.testing.assert_array_equal(values[finite], np.sign(x[finite]))
    assert [State(states[at]) for at in ((4, 5), (6, 7), (8, 9))] == [State.NAN, State.POSINF, State.NEGINF]
    assert all(step.faithful for step in picture.recipe)


def test_zoomed_out_it_is_the_positive_share_less_the_negative() -> None:
    x = _magnitudes((64, 64))
    picture, plain = _asked(
        x, BuildPicture("t", planes(x.shape), "signs", level=2), BuildPicture("t", planes(x.shape), "heatmap", level=2)
    )
    signs = np.where(np.isfinite(x), np.sign(x), np.nan).reshape(16, 4, 16, 4)
    right = np.nanmean(signs.transpose(0, 2, 1, 3).reshape(16, 16, 16), axis=2)
    np.testing.assert_allclose(picture.tiles[0].values[:16, :16], right, atol=1e-6)
    assert not np.allclose(plain.tiles[0].values[:16, :16], right), "levels of values are not taken for those of signs"


def test_the_pointer_tells_the_value_itself() -> None:
    x = _magnitudes((30, 40))
    (answer,) = _asked(x, Probe("t", planes(x.shape), 9, 11, 0, "signs"))
    assert answer.value == float(x[9, 11])


@pytest.mark.parametrize(("dtype", "has"), [("float32", True), ("int8", True), ("uint8", False), ("complex64", False)])
def test_what_has_no_sign_says_so(dtype: str, has: bool) -> None:
    assert (find_view("signs").refuses(TensorInfo("t", (2, 2), dtype)) == "") is has


def test_the_legend_speaks_of_signs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", _magnitudes((30, 40)))
    with nnscope.open(str(tmp_path / "x.npy")) as source:
        legend = source["x"].render(view="signs").legend
    assert legend.unit == "sign"
    assert legend.normalisation.domain == (-1, 1)
    assert legend.clipped == 0
