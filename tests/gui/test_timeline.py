"""The timeline of a run by hand: buttons, keys, slider, a click on the plot, playing by a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, Qt

from nnscope.core.answer import Series
from nnscope.gui.timeline.bar import told
from nnscope.gui.timeline.offered import Offer
from nnscope.gui.timeline.player import Player
from nnscope.gui.timeline.plot import envelope, extent, heights, runs, written
from nnscope.store.runs.folder import segments_of
from nnscope.store.runs.writer import RunWriter
from tests.store.runs.made import WEIGHT, record, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from tests.gui.conftest import Bench

LAST = 11


@pytest.fixture
def run(bench: Bench, tmp_path: Path) -> Bench:
    """A window that shows a weight of a run of twelve steps."""
    write_run(tmp_path / "run", range(LAST + 1), every=4)
    bench.open(tmp_path / "run")
    bench.until(lambda: len(bench.controller.timeline.kept_here()) == LAST + 1)
    bench.settle()
    bench.window.timeline.refresh()
    return bench


def _values(bench: Bench) -> np.ndarray:
    drawn = bench.controller.drawn()
    assert drawn is not None
    (placed,) = drawn.composed.frame.tiles
    return placed.tile.values


def _shows(bench: Bench, step: int) -> bool:
    bench.settle()
    bench.window.timeline.refresh()
    kept = record(step).frames[WEIGHT].arrays["values"].astype(np.float32)
    said = bench.window.timeline.label.text() == f"step {step} / {LAST}"
    return said and bench.window.timeline.slider.value() == step and np.array_equal(_values(bench), kept)


@pytest.mark.gui
@pytest.mark.gl
def test_buttons_keys_slider_and_plot_go_to_steps(run: Bench) -> None:
    window, native = run.window, run.window.canvas.native
    bar = window.timeline
    assert bar.isVisible()
    assert _shows(run, LAST)
    window.actions_table["previous_step"].trigger()
    assert _shows(run, LAST - 1)
    native.setFocus()
    for key, step in ((Qt.Key.Key_Left, LAST - 2), (Qt.Key.Key_Right, LAST - 1), (Qt.Key.Key_Home, 0)):
        run.press(key, native)
        assert _shows(run, step)
    bar.slider.setValue(5)
    assert _shows(run, 5)
    run.press(Qt.Key.Key_Right, bar.slider)
    assert _shows(run, 6)
    run.until(lambda: bar.plot.step_at(bar.plot.x_of(3)) == 3)
    run.qtbot.mouseClick(bar.plot, Qt.MouseButton.LeftButton, pos=QPoint(round(bar.plot.x_of(3)), 30))
    assert _shows(run, 3)
    assert bar.plot.told(3).startswith("step 3: loss ")
    bar.plotted.choose("statistic:frobenius")
    bar.plotted.chosen.emit("statistic:frobenius")
    run.until(lambda: bar.plot.told(3).startswith("step 3: frobenius "))
    run.qtbot.keyClick(native, Qt.Key.Key_End)
    assert _shows(run, LAST)
    window.actions_table["undo"].trigger()
    assert _shows(run, 3)
    bar.domain.chosen.emit("each")
    run.settle()
    resolved = run.controller.resolved()
    assert resolved is not None
    assert resolved.remarks == ("step 3", "domain of this step alone")


@pytest.mark.gui
@pytest.mark.gl
def test_playing_leaves_out_what_is_late_and_ends_or_loops(run: Bench) -> None:
    now = [0.0]
    controller, timeline = run.controller, run.controller.timeline
    player = Player(controller, run.window, lambda: now[0])
    timeline.to_end(last=False)
    run.settle()
    player.toggle()
    now[0] = 0.1
    player.advance()
    assert timeline.chosen() == 1
    now[0] = 0.2
    assert not controller.in_time  # nothing was drawn since
    player.advance()
    assert timeline.chosen() == 1
    run.settle()
    now[0] = 0.5
    player.advance()
    assert timeline.chosen() == 5
    run.settle()
    now[0] = 2.0
    player.advance()
    assert timeline.chosen() == LAST
    assert not player.playing
    player.loop = True
    run.settle()
    player.toggle()
    player._timer.setInterval(10_000)
    now[0] = 2.1
    player.advance()
    assert timeline.chosen() == 0
    player.stop()


@pytest.mark.gui
@pytest.mark.gl
def test_space_plays_to_the_end_and_a_file_has_no_timeline(run: Bench, checkpoint: Path) -> None:
    native, player = run.window.canvas.native, run.window.player
    player.speed = 50
    native.setFocus()
    run.press(Qt.Key.Key_Space, native)
    assert player.playing
    run.until(lambda: not player.playing)
    assert _shows(run, LAST)
    run.open(checkpoint)
    run.until(lambda: not run.window.timeline.isVisible())
    assert not run.window.actions_table["play"].isEnabled()


@pytest.mark.gui
@pytest.mark.gl
def test_arrows_turn_a_picture_in_space_and_else_go_through_steps(run: Bench) -> None:
    action = run.window.actions_table["next_step"]

    def keys() -> list[str]:
        return [sequence.toString() for sequence in action.shortcuts()]

    assert keys() == ["Ctrl+Right", "Right"]
    run.window.commands.view.choose_view("landscape")
    run.until(lambda: run.window.actions_table["orbit_right"].isEnabled())
    assert keys() == ["Ctrl+Right"]
    run.window.commands.view.choose_view("heatmap")
    run.until(lambda: keys() == ["Ctrl+Right", "Right"])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 40))
def test_thinning_keeps_the_extremes(numbers: list[float], columns: int) -> None:
    values = np.array(numbers)
    steps, thinned = envelope(np.arange(len(values)), values, columns)
    assert len(thinned) <= 2 * columns
    assert (thinned.min(), thinned.max()) == (values.min(), values.max())
    assert np.array_equal(values[steps], thinned)
    low, high = extent(values)
    assert low < high


def test_a_line_has_gaps_where_values_are_not_finite() -> None:
    assert runs(np.array([np.nan, 1, 2, np.inf, 3])) == [slice(1, 3), slice(4, 5)]
    assert extent(np.array([np.nan])) == (0.0, 1.0)


def test_what_the_label_says() -> None:
    assert told(1200, 5000, 1200) == "step 1200 / 5000"
    assert told(1200, 5000, 1190) == "step 1200 / 5000  ·  kept at 1190"
    assert told(3, 5000, None) == "step 3 / 5000  ·  not kept yet"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        pytest.param([-2.7123e11, np.nan, 3.1e11], ("3.1e11", "", "−2.712e11"), id="negative"),
        pytest.param([2.00411979e-3, 2.00412007e-3], ("+2.8e-10", "", "0.00200412"), id="narrow"),
        pytest.param([-0.5, -0.5], ("", "−0.5", ""), id="constant"),
        pytest.param([np.nan], ("", "", ""), id="none"),
    ],
)
def test_ends_are_written_in_the_room_there_is(qtbot: QtBot, values: list[float], labels: tuple[str, str, str]) -> None:
    from PyQt6.QtGui import QFontMetricsF

    from nnscope.gui import fonts
    from nnscope.gui.timeline.plot import GAP, LEFT

    metrics = QFontMetricsF(fonts.tabular(fonts.SMALL))
    found = written(np.array(values), metrics)
    assert found == labels
    assert all(metrics.horizontalAdvance(text) <= LEFT - GAP for text in found)


def test_heights_of_all_there_is() -> None:
    assert heights(np.array([-1.7e308, 0.0, 1.7e308]), -1.7e308, 1.7e308).tolist() == [0.0, 0.5, 1.0]


def test_what_is_plotted_unless_it_is_chosen() -> None:
    mean, numbers, plain = "statistic:mean", Offer(("lr", "loss"), "w"), Offer((), "w")
    assert [offer.plotted("") for offer in (plain, numbers, Offer(("lr",), "w"))] == [mean, "scalar:loss", "scalar:lr"]
    assert [numbers.plotted(wanted) for wanted in (mean, "scalar:lr")] == [mean, "scalar:lr"]  # chosen by hand
    assert plain.plotted("scalar:lr") == mean
    nothing = Series("w", "mean", np.empty(0, np.int64), np.empty(0))
    assert plain.lack(mean, None) == "Reading …"
    assert plain.lack(mean, nothing) == "Nothing to plot: no mean of w was recorded."


@pytest.mark.gui
@pytest.mark.gl
def test_a_run_without_numbers_and_then_one_with(bench: Bench, tmp_path: Path) -> None:
    bar, silent = bench.window.timeline, RunWriter(tmp_path / "silent", "Net", ())
    silent.append(replace(record(0), scalars={}))
    silent.append(replace(record(1), scalars={}))
    silent.close()
    write_run(tmp_path / "run", range(3))
    bench.open(tmp_path / "silent")
    bench.until(lambda: bar.plotted.value == "statistic:mean" and bar.plot.told(1).startswith("step 1: mean "))
    bench.show("stem:output")  # of which no statistics were recorded
    bench.until(lambda: "no mean of stem:output" in bar.plot.lack)
    bench.open(tmp_path / "run")
    bench.until(lambda: bar.plotted.value == "scalar:loss" and not bar.plot.lack)


@pytest.mark.gui
@pytest.mark.gl
def test_damage_of_a_run_is_said_over_the_canvas(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(8), every=2)
    segments_of(tmp_path / "run")[1].path.write_bytes(b"x")
    banner = bench.window.central.banner
    bench.open(tmp_path / "run")
    bench.until(banner.isVisible)
    assert "Flush 2 is lost: steps 2 to 3 can't be read." in banner.text.text()
    assert not banner.button.isVisible()  # nothing to restart
    bench.open(checkpoint)
    bench.until(lambda: not banner.isVisible())
