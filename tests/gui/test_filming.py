"""A film from the window: the dialog's choices, the pictures of the canvas, cancelling; the range that it plays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import QPoint, Qt

from nnscope.export.clip import Clip
from nnscope.gui.dialogs.export_animation import ExportDialog, Offer
from nnscope.gui.timeline.player import Player
from nnscope.scene.shots import Motion
from tests.store.runs.made import WEIGHT, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from tests.gui.conftest import Bench

LAST = 7
pytestmark = [pytest.mark.gui, pytest.mark.gl]


@pytest.fixture
def run(bench: Bench, tmp_path: Path) -> Bench:
    """A window that shows a weight of a run of eight steps."""
    write_run(tmp_path / "run", range(LAST + 1), every=4)
    bench.open(tmp_path / "run")
    bench.show(WEIGHT.address)
    bench.until(lambda: len(bench.controller.timeline.kept_here()) == LAST + 1)
    bench.window.timeline.refresh()
    return bench


def pictures(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        found = []
        for at in range(image.n_frames):
            image.seek(at)
            found.append(np.asarray(image.convert("RGB")))
        return found


def test_a_film_is_what_the_canvas_shows_at_each_step(run: Bench, tmp_path: Path) -> None:
    films, canvas, film = run.window.films, run.window.canvas, tmp_path / "film.png"
    run.controller.timeline.choose(2)
    run.settle()
    shown = canvas.picture(run.controller.frame(*canvas.size))[..., :3]
    with run.qtbot.waitSignal(films.saved, timeout=20_000) as told:
        films.save(str(film), Clip(canvas.size, 25.0), Motion(1, 4))
        (job,) = films.jobs()
        assert (job.text, job.total) == ("Exporting film.png", 4)
        run.controller.timeline.choose(6)  # the window goes its own way meanwhile
    assert told.args == [str(film)]
    assert films.jobs() == []
    found = pictures(film)
    assert len(found) == 4
    assert np.array_equal(found[1], shown)
    assert run.controller.timeline.chosen() == 6


def test_a_cancelled_film_leaves_nothing(run: Bench, tmp_path: Path) -> None:
    films = run.window.films
    films.save(str(tmp_path / "film.mp4"), Clip((320, 240), 25.0), Motion(frames=5000))
    run.until(lambda: films.jobs()[0].done > 2)
    films.jobs()[0].cancel()
    assert not films.jobs()
    assert not any(thread.name == "animation" for thread in threading.enumerate())
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_film_that_can_not_be_written_is_one_problem(run: Bench, tmp_path: Path) -> None:
    films = run.window.films
    with run.qtbot.waitSignal(films.failed, timeout=20_000) as told:
        films.save(str(tmp_path / "none" / "film.mp4"), Clip((320, 240), 25.0), Motion())
    assert "No such file or directory" in str(told.args[0])
    assert not films.jobs()


def test_the_dialog_says_what_comes_of_it(qtbot: QtBot) -> None:
    dialog = ExportDialog(Offer(np.arange(0, 100, 10), 20, None, False, (1281, 801)))
    qtbot.addWidget(dialog)
    assert dialog.told.text().startswith("8 pictures, 0.32 s.")
    dialog.last.setValue(50)
    assert dialog.told.text().startswith("4 pictures, 0.16 s.")
    dialog.frames.setValue(75)
    assert dialog.told.text().startswith("75 pictures, 3 s.")
    dialog.across.setValue(641)
    assert dialog.told.text().startswith("H.264 has even sides, so that 641x720 can't be.")
    assert not dialog.export.isEnabled()
    dialog.format.setCurrentIndex(2)
    dialog.format.activated.emit(2)
    with qtbot.waitSignal(dialog.wanted) as told:
        dialog.export.click()
    assert told.args == [".png", Clip((641, 720), 25.0), Motion(20, 50, frames=75)]


def test_a_range_is_what_plays(run: Bench) -> None:
    window, native, source = run.window, run.window.canvas.native, run.controller.workspace.pane.source
    ranges, bar = window.player.ranges, window.timeline
    native.setFocus()
    for step, key in ((2, Qt.Key.Key_I), (5, Qt.Key.Key_O)):
        run.controller.timeline.choose(step)
        run.settle()
        run.press(key, native)
    assert ranges.of(source) == (2, 5)
    run.until(lambda: bar.range.told().startswith("Steps 2 to 5."))
    now = [0.0]
    player = Player(run.controller, window, clock=lambda: now[0])
    player.ranges, player.loop, player.speed = ranges, True, 1
    run.controller.timeline.choose(7)  # outside of it
    run.settle()
    player.toggle()
    seen = []
    for _ in range(6):
        now[0] += 1.0
        player.advance()
        run.settle()
        seen.append(run.controller.timeline.chosen())
    player.stop()
    assert seen == [2, 3, 4, 5, 2, 3]
    x = round(bar.range.x_of(5))
    run.qtbot.mousePress(bar.range, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    run.qtbot.mouseMove(bar.range, QPoint(round(bar.range.x_of(6)), 5))
    run.qtbot.mouseRelease(bar.range, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    assert ranges.of(source) == (2, 6)
    run.qtbot.mouseDClick(bar.range, Qt.MouseButton.LeftButton, pos=QPoint(x, 5))
    assert ranges.of(source) == (None, None)
