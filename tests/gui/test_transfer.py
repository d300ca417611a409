"""The transfer function by hand: points dragged, added and taken away, presets, keys; what it says in the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from nnscope.compute.space.transfer import PRESETS, curve, hidden_shares, preset
from nnscope.core.legend import Normalisation
from nnscope.gui.inspector.transfer_plot import heights_over_scale
from nnscope.render.legend import over_ground
from tests.gui.test_arrangements import stats_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


@pytest.fixture
def mist(bench: Bench, checkpoint: Path) -> Bench:
    """A window that shows a translucent volume of values of both signs."""
    bench.open(checkpoint)
    bench.show("stack")
    bench.window.commands.view.choose_view("volume")
    bench.window.commands.view.choose_rays("translucent")
    bench.settle()
    bench.until(bench.window.inspector.space.transfer.isVisible)
    return bench


def _look(bench: Bench) -> Any:
    return bench.controller.workspace.pane.space


def _legend(bench: Bench) -> Any:
    drawn = bench.controller.drawn()
    assert drawn is not None
    return drawn.composed.frame.legend


def test_points_are_dragged_added_and_taken_away(mist: Bench) -> None:
    box = mist.window.inspector.space.transfer
    box.preset.chosen.emit("linear")
    mist.until(lambda: box.plot.points == ((0.0, 1.0), (0.5, 0.0), (1.0, 1.0)))
    start, end = (box.plot.pixel(point).toPoint() for point in ((0.5, 0.0), (0.3, 0.4)))
    mist.qtbot.mousePress(box.plot, LEFT, pos=start)
    mist.qtbot.mouseMove(box.plot, (start + end) / 2)
    mist.qtbot.mouseMove(box.plot, end)
    mist.qtbot.mouseRelease(box.plot, LEFT, pos=end)
    mist.settle()
    assert np.array(_look(mist).opacity) == pytest.approx(np.array(((0, 1), (0.3, 0.4), (1, 1))), abs=0.02)
    assert box.preset.currentText() == "Custom"
    mist.qtbot.mouseClick(box.plot, LEFT, pos=box.plot.pixel((0.7, 0.9)).toPoint())
    mist.settle()
    assert len(_look(mist).opacity) == 4
    mist.qtbot.mouseClick(box.plot, RIGHT, pos=box.plot.pixel(_look(mist).opacity[1]).toPoint())
    mist.settle()
    assert [round(u, 1) for u, _ in _look(mist).opacity] == [0.0, 0.7, 1.0]
    mist.qtbot.mouseClick(box.plot, RIGHT, pos=box.plot.pixel(_look(mist).opacity[0]).toPoint())
    assert len(_look(mist).opacity) == 3  # the ends stay
    mist.window.actions_table["undo"].trigger()
    assert _look(mist).opacity == ()


def test_points_by_keys(mist: Bench) -> None:
    box = mist.window.inspector.space.transfer
    box.preset.chosen.emit("linear")
    mist.settle()
    box.plot.setFocus()
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Up):
        mist.qtbot.keyClick(box.plot, key)
    mist.settle()
    assert _look(mist).opacity == ((0.0, 1.0), (0.52, 0.04), (1.0, 1.0))
    assert "Point 2 of 3" in box.plot.accessibleDescription()
    mist.qtbot.keyClick(box.plot, Qt.Key.Key_Insert)
    assert len(_look(mist).opacity) == 4
    mist.qtbot.keyClick(box.plot, Qt.Key.Key_Delete)
    assert len(_look(mist).opacity) == 3


def test_the_curve_is_in_the_picture_and_in_the_legend(mist: Bench) -> None:
    box = mist.window.inspector.space.transfer
    native = mist.window.canvas.native
    before = _legend(mist).opacity
    assert before[0] > 0.99 > 0.01 > min(before)
    pixels = native.grabFramebuffer()
    box.preset.chosen.emit("iso-like")
    mist.until(lambda: _legend(mist).opacity != before)
    mist.settle()
    assert _legend(mist).opacity[0] == 0
    assert native.grabFramebuffer() != pixels
    mist.window.actions_table["scientific"].trigger()
    mist.until(lambda: _legend(mist).opacity == ())
    mist.until(lambda: not box.isVisible())


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_curves_over_all_of_the_scale(name: str, signed: bool) -> None:
    points = preset(name, signed)
    norm = Normalisation("linear", "identity", 0.0, 1.0, -2.0 if signed else 0.0, 2.0)
    u = np.linspace(0, 1, 257)
    shares = curve(norm, points, u)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.max() > 0.9
    if points:
        places = [place for place, _ in points]
        assert places == sorted(places)
        assert (places[0], places[-1]) == (0, 1)
    if signed:
        assert shares == pytest.approx(shares[::-1])
        over = curve(Normalisation("linear", "identity", 0.0, 1.0, 0.0, 2.0), preset(name, False), u)
        assert shares[128::2] == pytest.approx(over[::4][: len(shares[128::2])], abs=0.13) or len(points) > 0
    assert hidden_shares(norm, 3.0, points) == pytest.approx(
        1 - np.exp(-3 * curve(norm, points, (np.arange(256) + 0.5) / 256))
    )


def test_the_bar_of_the_legend_lies_over_the_ground() -> None:
    colours = np.array(((200, 100, 0), (10, 20, 30), (0, 0, 0)))
    assert over_ground(colours, (1.0, 0.0, 0.5), (20, 40, 60)).tolist() == [[200, 100, 0], [20, 40, 60], [10, 20, 30]]


def test_the_histogram_lies_on_the_colour_scale() -> None:
    values = np.concatenate((np.full(3_000, -1.0), np.full(10_000, 1.0)))
    norm = Normalisation("tanh", "tanh", 0.0, 0.5, -1.0, 1.0)
    heights = heights_over_scale(stats_of(values), norm, 200)
    peaks = np.flatnonzero(heights > 0.2)
    for at, value in ((peaks[0], -1.0), (peaks[-1], 1.0)):
        assert abs(at / 200 - norm.forward(value)) < 0.02
    assert heights.max() == 1
    assert not heights_over_scale(stats_of(np.zeros(3)), norm, 50).any()
