"""What lifts the cells of a landscape, its levels, domains, settings and what hovering tells."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.errors import NnscopeError
from nnscope.core.landscape import LandscapePicture
from nnscope.core.layout import default_layout, folded, planes
from nnscope.core.request import BuildSpace, ProbeSpace
from nnscope.core.space import SpaceLook
from nnscope.engine.context import Context
from nnscope.engine.wire import Reply, decode, encode
from nnscope.store.memo import Memo
from nnscope.views import tiling
from nnscope.views.lifting import lifted_by
from nnscope.views.registry import find_space_view
from tests.scene.sources import ArraySource

if TYPE_CHECKING:
    from nnscope.core.layout import Layout

VIEW = find_space_view("landscape")


def _context(x: np.ndarray) -> Context:
    return Context(ArraySource({"x": x}), Memo(1 << 26), threading.Event())


def _built(x: np.ndarray, level: int = 0, layout: Layout | None = None, **settings: Any) -> LandscapePicture:
    request = BuildSpace(
        "x", layout or default_layout(x.shape), "landscape", tuple(sorted(settings.items())), level=level
    )
    built = VIEW.build_space(_context(x), request)
    assert isinstance(built, LandscapePicture)
    return built


def _raw(shown: LandscapePicture) -> np.ndarray:
    low, high = shown.domain
    return np.asarray(low + shown.heights.astype(np.float64) * (high - low))


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).normal(0.2, 1, shape).astype(np.float32)


@pytest.mark.parametrize("height", ["value", "magnitude", "rows", "columns", "parts"])
def test_heights_of_a_matrix(height: str) -> None:
    x = _noise((6, 9))
    norms = {"rows": np.linalg.norm(x, axis=1)[:, None], "columns": np.linalg.norm(x, axis=0)[None]}
    expected = {"value": x, "magnitude": np.abs(x), "parts": np.abs(x)} | {k: v + 0 * x for k, v in norms.items()}
    shown = _built(x, height=height)
    assert _raw(shown) == pytest.approx(expected[height], abs=1e-6)
    assert (shown.values == x).all()
    assert (_built(x, height=height, colour="magnitude").values == np.abs(x)).all()


@pytest.mark.parametrize(("height", "axes"), [("rows", (1, 2, 3)), ("columns", (0, 2, 3)), ("parts", (2, 3))])
def test_norms_of_a_convolution(height: str, axes: tuple[int, ...]) -> None:
    x = _noise((4, 5, 3, 2))
    layout = default_layout(x.shape)
    norms = np.sqrt(np.square(x).sum(axes, keepdims=True))
    expected = np.broadcast_to(norms, x.shape).transpose(0, 2, 1, 3).reshape(layout.grid)
    assert _raw(_built(x, height=height)) == pytest.approx(expected, abs=1e-6)
    words = {"rows": "one per out", "columns": "one per in", "parts": "one per out and in"}
    assert lifted_by(layout, ("out", "in", "row", "column"), height).endswith(words[height])


def test_norms_of_channels_and_of_a_folded_matrix() -> None:
    x = _noise((6, 4, 5))
    layout, channels = default_layout(x.shape), np.sqrt(np.square(x).sum((1, 2)))
    for channel in range(6):
        row, col = layout.cell_of((channel, 2, 3)) or (0, 0)
        assert _raw(_built(x, height="rows"))[row, col] == pytest.approx(channels[channel], abs=1e-6)
    tall = _noise((2048, 8))
    lifted, grid = _raw(_built(tall, height="rows")), folded(tall.shape)
    for row in (0, 700, 2047):
        assert lifted[grid.cell_of((row, 5))] == pytest.approx(np.linalg.norm(tall[row]), abs=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "min", "max", "extremes", "variance"])
@pytest.mark.parametrize("level", [1, 2, 4])
@pytest.mark.parametrize("height", ["value", "magnitude"])
def test_levels_are_block_reductions(monkeypatch: pytest.MonkeyPatch, reduction: str, level: int, height: str) -> None:
    monkeypatch.setattr(tiling, "PYRAMID_CELLS", 800)  # level 2 and up are kept
    x, side = _noise((77, 130)), 2**level
    shown = _built(x, level, planes(x.shape), reduction=reduction, height=height)
    lifted = x if height == "value" else np.abs(x)
    for row, col in ((0, 0), (1, 3), (-(-77 // side) - 1, -(-130 // side) - 1)):
        block = lifted[row * side : (row + 1) * side, col * side : (col + 1) * side].astype(np.float64)
        extreme = block.flat[np.abs(block).argmax()]
        found = {"mean": block.mean(), "min": block.min(), "max": block.max(), "variance": block.var()}
        assert _raw(shown)[row, col] == pytest.approx(found.get(reduction, extreme), abs=2e-5)
    assert shown.reduction == reduction
    assert shown.recipe[-1].name == "height"


@pytest.mark.parametrize(
    ("x", "domain"),
    [
        (np.full((3, 4), 2.0), (1.0, 3.0)),
        (np.zeros((2, 2)), (-1.0, 1.0)),
        (np.full((2, 3), np.nan), (0.0, 1.0)),
        (np.array([[-1.0, np.inf], [np.nan, 3.0]]), (-1.0, 3.0)),
        (np.array(5.0), (2.5, 7.5)),
        (np.array([[-1e300, 1e300]]), (-1e300, 1e300)),
    ],
    ids=["constant", "zeros", "all NaN", "some odd", "scalar", "huge"],
)
def test_domains(x: np.ndarray, domain: tuple[float, float]) -> None:
    shown = _built(x)
    assert shown.domain == domain
    odd = ~np.isfinite(x).reshape(shown.heights.shape)
    assert (shown.heights[odd] == 0).all()
    assert (shown.states is None) == (not odd.any())
    assert ((shown.heights >= 0) & (shown.heights <= 1)).all()


@pytest.mark.parametrize("height", ["value", "magnitude", "rows"])
def test_outliers_beyond_the_spread_are_cut_off_and_told(height: str) -> None:
    x = np.random.default_rng(0).normal(0, 1, (100, 100)).astype(np.float32)
    x[10, 20] = 1000
    lifted = {"value": x, "magnitude": np.abs(x), "rows": np.linalg.norm(x, axis=1)}[height].astype(np.float64)
    shown = _built(x, height=height, span="spread")
    low = max(lifted.min(), lifted.mean() - 4 * lifted.std()) if height == "value" else 0.0
    assert shown.domain == pytest.approx((low, lifted.mean() + 4 * lifted.std()), rel=1e-4)
    assert shown.heights[10, 20] == 1
    assert any("cut off" in note for note in shown.notes)
    assert not any("cut off" in note for note in _built(x, height=height).notes)


def test_one_spike_among_a_million_reaches_the_top_under_extremes() -> None:
    x = np.zeros((1000, 1000), np.float32)
    x[333, 777] = 5
    shown = _built(x, 5, reduction="extremes")
    assert shown.heights[333 >> 5, 777 >> 5] == 1
    assert (shown.heights == 1).sum() == 1


def test_what_is_asked_for_and_what_it_is_called() -> None:
    asked = VIEW.asked((("reduction", "mean"), ("relief", 0.5)), SpaceLook(shading=True), 0)
    assert dict(asked) == {"relief": 0.5, "surface": "smooth"}
    assert dict(VIEW.asked((("reduction", "mean"),), SpaceLook(shading=False), 2))["reduction"] == "mean"
    assert VIEW.drawing((), SpaceLook(shading=False)).step.faithful
    assert not VIEW.drawing((), SpaceLook(shading=True)).step.faithful
    layout = planes((16, 25))
    assert VIEW.bounds(layout, (("relief", 0.5),)) == (16, 10, 25)
    assert _built(_noise((16, 25)), relief=0.5, surface="smooth").bounds == (16, 10, 25)


@pytest.mark.parametrize(
    "settings",
    [{"height": "depth"}, {"colour": "rows"}, {"span": "most"}, {"relief": 0.0}, {"relief": "high"}],
    ids=str,
)
def test_settings_that_do_not_exist_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NnscopeError):
        _built(_noise((4, 4)), **settings)


def test_hovering_tells_the_element_and_what_is_under_its_cell() -> None:
    x = _noise((40, 50))
    context, layout = _context(x), default_layout(x.shape)
    answer = VIEW.probe_space(context, ProbeSpace("x", layout, (17, 33), 0, "landscape"))
    assert (answer.index, answer.value) == ((17, 33), x[17, 33])
    answer = VIEW.probe_space(context, ProbeSpace("x", layout, (16, 32), 2, "landscape"))
    assert answer.block is not None
    assert answer.block.mean == pytest.approx(x[16:20, 32:36].mean(), rel=1e-5)


def test_it_travels() -> None:
    shown = _built(_noise((5, 6)), surface="smooth")
    reply = decode(encode(Reply(1, shown)))
    assert isinstance(reply, Reply)
    again = reply.answer
    assert isinstance(again, LandscapePicture)
    assert (again.peaks == shown.peaks).all()
    assert again.domain == shown.domain
    assert again.means is not None
