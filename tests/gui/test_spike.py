"""A bar that dwarfs all others is seen and told of, and the others keep a scale of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtGui import QColor

from nnscope.compute.statistics.summary import stats_of_array as statistics
from nnscope.core.frame import ColourStyle
from nnscope.core.legend import Normalisation
from nnscope.gui.inspector.histogram_plot import Histogram, HistogramPlot, describe
from nnscope.gui.inspector.scale import column_heights, scale_for
from nnscope.gui.inspector.spike import find_spike

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

LINEAR = Normalisation("linear", "identity", 0.0, 1.0, 0.0, 4.0)
GREEN = (0, 160, 0)
STYLE = ColourStyle("green", np.full((256, 4), (*GREEN, 255), np.uint8), *[(255, 0, 0)] * 6)
NORMAL = np.random.default_rng(3).normal(size=4000)


def test_the_zeros_of_a_relu() -> None:
    values = np.maximum(NORMAL, 0)
    spike = find_spike(statistics(values))
    assert spike is not None
    assert (spike.at, spike.value, spike.zeros) == (0, 0.0, True)
    assert spike.share == np.mean(values == 0)
    assert spike.words == f"{np.mean(values == 0):.1%} are 0"


def test_another_value_that_many_have() -> None:
    values = np.where(np.arange(4000) % 3 == 0, 2.5, NORMAL)
    spike = find_spike(statistics(values))
    assert spike is not None
    assert spike.value == pytest.approx(2.5, abs=np.ptp(values) / 256)
    assert not spike.zeros
    assert spike.words.startswith("33.4% near 2.")


@pytest.mark.parametrize(
    "values",
    [NORMAL, np.zeros(10), np.full(10, np.nan), np.array([]), np.array([0.0, 1.0]), np.repeat([0.0, 1.0, 2.0], 9)],
    ids=["normal", "constant", "nan", "empty", "two", "even"],
)
def test_no_bar_stands_alone(values: np.ndarray) -> None:
    assert find_spike(statistics(values)) is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60), st.integers(0, 200))
def test_what_is_told_is_in_the_range(values: list[float], zeros: int) -> None:
    stats = statistics(np.array(values + [0.0] * zeros))
    spike = find_spike(stats)
    if spike is not None:
        assert stats.min <= spike.value <= stats.max
        assert 0 < spike.share <= 1


def test_the_others_have_a_scale_of_their_own() -> None:
    stats = statistics(np.maximum(NORMAL, 0))
    scale = scale_for(stats, None, 0, 200)
    together, apart = (column_heights(stats, scale, 200, log=False, left_out=at) for at in (None, 0))
    assert np.sort(together)[-3] < 0.05
    assert apart.max() == 1
    assert (apart > 0.3).sum() > 30
    assert stats.histogram[0] > 0  # nothing was taken from the statistics


@pytest.mark.gui
@pytest.mark.parametrize("log", [False, True], ids=["linear", "log"])
def test_the_bar_is_seen_in_spite_of_the_limit(qtbot: QtBot, log: bool) -> None:
    plot = HistogramPlot()
    qtbot.addWidget(plot)
    plot.resize(260, plot.sizeHint().height())
    stats = statistics(np.maximum(NORMAL, 0))
    plot.show_histogram(Histogram(stats, LINEAR, STYLE))
    plot.set_log(log)
    image, scale = plot.grab().toImage(), plot.scale
    assert scale is not None
    x = round(scale.pixel(0.0))
    column = [image.pixelColor(x, y) for y in range(30, 90)]
    expected = plot._readable(QColor(*GREEN))
    assert sum(colour == expected for colour in column) >= 48  # all but the gap
    assert plot.limit_at(x) == 0  # the limit can be taken where it is hidden


def test_it_is_told_to_screen_readers() -> None:
    stats = statistics(np.maximum(NORMAL, 0))
    assert describe(Histogram(stats, LINEAR, STYLE)).endswith("are 0")
    assert "are" not in describe(Histogram(statistics(NORMAL), LINEAR, STYLE))
