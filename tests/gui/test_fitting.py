"""A Gaussian field fitted from the window: followed, stopped, shown beside its tensor, saved, and ended with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.fields import FitSettings, compression_table, load_field
from nnscope.gui.fitting.curves import CurvePlot, Curves
from nnscope.views.splat_shares import strongest_under

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from nnscope.gui.fitting.dialog import FitDialog
    from tests.gui.conftest import Bench

pytestmark = pytest.mark.gl


def _bump(tmp_path: Path) -> Path:
    y, x = np.mgrid[:24, :32]
    path = tmp_path / "bump.npy"
    np.save(path, np.exp(-((x - 18) ** 2) / 40 - (y - 10) ** 2 / 60).astype(np.float32) - 0.25)
    return path


def _asked(bench: Bench) -> FitDialog:
    bench.window.actions_table["fit_field"].trigger()
    dialog = bench.window.fitter.dialog
    assert dialog is not None
    return dialog


def test_a_field_is_fitted_followed_shown_and_saved(bench: Bench, tmp_path: Path) -> None:
    bench.open(_bump(tmp_path))
    dialog = _asked(bench)
    dialog.gaussians.setValue(9)
    dialog.steps.setValue(40)
    dialog.fit.click()
    bench.until(dialog.keep.isEnabled)
    assert [plot.count for plot in dialog.plots.values()] == [40] * 4
    assert " Gaussians, " in dialog.status.text()
    bench.until(lambda: len(bench.controller.workspace.state.panes) == 4)
    bench.settle()
    _shows_the_comparison(bench, dialog)
    bench.window.fitter.save_as(str(tmp_path / "kept.safetensors"))
    assert 0 < len(load_field(tmp_path / "kept.safetensors").field) <= 9
    assert bench.window.memory.now.recent == (str(tmp_path / "bump.npy"),)  # what ends with the window isn't kept
    folder = bench.window.fitter.job.path.parent
    dialog.close()
    assert bench.window.fitter.dialog is None
    assert folder.exists()  # what is shown is read from there
    bench.window.close()
    assert not folder.exists()


def _shows_the_comparison(bench: Bench, dialog: FitDialog) -> None:
    state, drawn = bench.controller.workspace.state, bench.controller.drawn(3)
    assert [(pane.address, pane.view) for pane in state.panes] == [
        ("target", "heatmap"), ("field", "heatmap"), ("residual", "heatmap"), ("field", "splats")
    ]  # fmt: skip
    assert state.panes[0].limits == state.panes[1].limits
    picture = drawn.picture
    at = picture.x + picture.w / 2, picture.y + picture.h / 2
    bench.controller.hover(*at)
    hover = bench.controller.frame(1200, 700).panes[0].markers
    assert [(m.row, m.col) for m in hover] == [(12, 16)]  # one cursor: the cell in the middle, in every pane
    bench.controller.workspace.update_pane(index=3, settings=())
    bench.controller.activate(3)
    bench.settle()
    drawn = bench.controller.drawn(3)
    bench.window.pointer.clicked.emit(*at)
    found, count = strongest_under(drawn.composed.frame, at[0] + 0.5, at[1] + 0.5)
    rows = bench.window.inspector.gaussians.rows
    assert len(rows) == min(count, 12) + 1
    assert rows[1][0].text() == str(found[0].name)
    assert bench.window.inspector.gaussians.isVisibleTo(bench.window.inspector)


def test_a_fit_that_is_stopped_keeps_the_best_and_one_that_is_left_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.open(_bump(tmp_path))
    dialog = _asked(bench)
    dialog.steps.setValue(100_000)
    dialog.fit.click()
    bench.until(lambda: dialog.plots["loss"].count > 3)
    dialog.stop.click()
    bench.until(dialog.keep.isEnabled)
    assert dialog.status.text().startswith("Stopped: the best so far.")
    bench.until(lambda: len(bench.controller.workspace.state.panes) == 4)
    before = len(bench.controller.library.sources)
    dialog.fit.click()
    process = bench.window.fitter.job
    dialog.reject()
    assert bench.window.fitter.job is None
    bench.settle()
    assert not process.path.exists()
    assert len(bench.controller.library.sources) == before


def test_a_volume_is_fitted_to_its_views(bench: Bench, tmp_path: Path) -> None:
    z, y, x = np.mgrid[:12, :12, :12]
    np.save(tmp_path / "ball.npy", np.exp(-((x - 6) ** 2 + (y - 5) ** 2 + (z - 6) ** 2) / 8).astype(np.float32))
    bench.open(tmp_path / "ball.npy")
    dialog = _asked(bench)
    for field, value in ((dialog.gaussians, 4), (dialog.steps, 52), (dialog.views, 12)):
        field.setValue(value)
    dialog.fit.click()
    bench.until(dialog.keep.isEnabled)
    fitted, apart = np.array(dialog.plots["psnr"]._values).T
    assert len(fitted) == 52
    assert np.isfinite(apart).all()
    assert len(np.unique(apart)) == 2  # looked at in steps 0 and 50
    assert "dB in views held out" in dialog.status.text()
    bench.until(lambda: len(bench.controller.workspace.state.panes) == 3)
    views = [(pane.address, pane.view) for pane in bench.controller.workspace.state.panes]
    assert views == [("target", "volume"), ("field", "splats"), ("field", "splats")]
    dialog.close()
    bench.open(_bump(tmp_path))
    assert not _asked(bench).views.maximum()  # a plane has no sides


def test_codes_are_compared_on_request(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnscope.gui.fitting.coder.STEPS", 20)
    bench.open(_bump(tmp_path))
    bench.window.inspector.codes.click()
    coder = bench.window.fitter.coder
    dialog = coder.dialog
    assert dialog is not None
    dialog.compare.click()
    dialog.stop.click()
    assert coder.job is None
    assert dialog.status.text() == "Stopped."
    dialog.compare.click()
    assert dialog.stop.isEnabled()
    bench.until(dialog.compare.isEnabled)
    table = dialog.table
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(table.rowCount())]
    expected = compression_table(np.load(tmp_path / "bump.npy"), 24 * 32 * 4 // 8, FitSettings(steps=20))
    assert rows == [[row.name, f"{row.nbytes:,}", f"{row.psnr:.2f}", f"{row.snr:.2f}"] for row in expected.rows]
    assert table.item(rows.index(next(r for r in rows if r[0] == expected.best.name)), 0).font().bold()
    assert "Spectral flatness" in dialog.status.text()
    dialog.close()
    assert coder.dialog is None


def test_what_has_no_field_says_why(bench: Bench, tmp_path: Path) -> None:
    np.save(tmp_path / "holes.npy", np.array([[1.0, np.nan], [2.0, 3.0]], np.float32))
    np.save(tmp_path / "deep.npy", np.ones((2, 3, 4, 5), np.float32))
    bench.open(tmp_path / "holes.npy")
    dialog = _asked(bench)
    dialog.fit.click()
    bench.until(dialog.fit.isEnabled)
    assert "1 of 4 values are not finite." in dialog.status.text()
    dialog.close()
    bench.open(tmp_path / "deep.npy")
    bench.controller.show(str(tmp_path / "deep.npy"), "deep")
    bench.settle()
    bench.window.actions_table["fit_field"].trigger()
    assert bench.window.fitter.dialog is None
    assert "two or three axes" in bench.window.failures.entries[-1].line


def test_lines_tell_their_newest_numbers(qtbot: QtBot) -> None:
    plot = CurvePlot(Curves("Norms", ("means", "shapes")))
    qtbot.addWidget(plot)
    plot.resize(300, 150)
    plot.clear(10)
    plot.extend([(1.0, 2.0), (0.5, float("nan"))])
    assert plot.accessibleDescription() == "means 0.5, shapes nan"
    assert not plot.grab().isNull()
