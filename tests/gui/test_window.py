"""The window as people use it: open, choose, look, change, undo, split, close."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6 import sip
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QApplication, QLabel
from safetensors.numpy import load_file

from tests.gui.conftest import HOSTILE, Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.gui, pytest.mark.gl]


def test_welcome_page_offers_the_demos(bench: Bench) -> None:
    page = bench.window.central.welcome
    assert not bench.window.central.on_canvas
    assert [card.path for card in page.cards] == ["demo:digits-cnn", "demo:digits-vit"]


def test_open_gives_rows_a_picture_and_a_recent_file(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    assert bench.window.central.on_canvas
    assert bench.rows()[:4] == ["model.safetensors", "<img src=x>\\u202e\\x1b[2J&b", "enc", "0"]
    drawn = bench.controller.drawn()
    assert drawn is not None
    assert drawn.composed.frame.tiles
    assert bench.window.memory.now.recent == (str(checkpoint),)
    pixels = bench.window.canvas.native.grabFramebuffer()
    colours = {pixels.pixel(x, y) for x in range(0, pixels.width(), 7) for y in range(0, pixels.height(), 7)}
    assert len(colours) > 3  # a picture, not a blank


def test_what_is_opened_next_is_shown(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    np.save(tmp_path / "other.npy", np.ones((5, 6), np.float32))
    bench.open(tmp_path / "other.npy")
    bench.until(lambda: bench.controller.workspace.pane.source.endswith("other.npy"))
    assert [row for row in bench.rows() if "." in row] == ["model.safetensors", "other.npy"]


def test_choosing_a_row_shows_the_tensor(bench: Bench, checkpoint: Path) -> None:
    key = bench.open(checkpoint)
    tree = bench.window.tree
    index = tree.model.find(key, "enc.2.kernel")
    tree.tree.setCurrentIndex(index)
    bench.settle()
    assert bench.controller.workspace.pane.address == "enc.2.kernel"
    assert bench.window.inspector.facts.texts()["Shape"].startswith("4 × 3 × 5 × 5")
    assert bench.window.windowTitle() == "enc.2.kernel – nnscope"


def test_hover_tells_the_exact_value(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    value = load_file(checkpoint)["enc.0.weight"][3, 17]
    x, y = bench.cell(3, 17)
    bench.qtbot.mouseMove(bench.window.canvas.native, _point(x, y))
    hover = bench.window.status.hover
    bench.until(lambda: "=" in hover.text())
    text = hover.text()
    assert text.startswith("enc.0.weight [3, 17] = ")
    assert np.float32(text.split("= ")[1].split()[0].replace("−", "-")) == value


def test_scientific_mode_leaves_aesthetic_steps_out(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    recipe = bench.window.inspector.recipe
    assert any("aesthetic" in line for line in recipe.texts())
    bench.qtbot.mouseClick(bench.window.toolbar.scientific, Qt.MouseButton.LeftButton)
    bench.settle()
    assert bench.controller.workspace.state.scientific
    assert bench.window.actions_table["scientific"].isChecked()
    assert not any("aesthetic" in line for line in recipe.texts())
    drawn = bench.controller.drawn()
    assert drawn is not None
    assert drawn.composed.frame.legend is not None
    assert drawn.composed.frame.legend.scientific
    tanh = next(i for i in range(6) if bench.window.toolbar.normalisation.itemData(i) == "tanh")
    assert not bench.window.toolbar.normalisation.model().item(tanh).isEnabled()


def test_filter_and_sort(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    tree = bench.window.tree
    tree.filter.setText("enc *weight")
    bench.until(lambda: len(bench.rows()) < 8)
    assert bench.rows() == ["model.safetensors"] or "bias" not in bench.rows()
    tree.filter.setText("weight")
    bench.until(lambda: bench.rows() == ["model.safetensors", "enc", "0", "weight", "10", "weight"])
    tree.filter.clear()
    bench.until(lambda: "stack" in bench.rows())
    tree.tree.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    rows = bench.rows()
    assert rows.index("0") < rows.index("2") < rows.index("10")


def test_dragging_a_limit_changes_the_picture_and_undo_brings_it_back(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    plot = bench.window.inspector.histogram.plot
    scale = plot.scale
    assert scale is not None
    before = bench.controller.resolved().normalisation.domain  # type: ignore[union-attr]
    start, end = round(scale.pixel(before[1])), round(scale.pixel(before[1] / 4))
    bench.qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=_point(start, 40))
    for x in np.linspace(start, end, 5):
        bench.qtbot.mouseMove(plot, _point(x, 40))
    bench.qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=_point(end, 40))
    bench.settle()
    lo, hi = bench.controller.workspace.pane.limits or (0, 0)
    assert lo == pytest.approx(before[0])
    assert hi == pytest.approx(scale.value(end), rel=1e-6)
    bench.window.actions_table["undo"].trigger()
    bench.settle()
    assert bench.controller.workspace.pane.limits is None
    bench.window.actions_table["redo"].trigger()
    assert bench.controller.workspace.pane.limits == (lo, hi)


def test_typed_limits(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    box = bench.window.inspector.histogram
    box.low.setFocus()
    box.low.selectAll()
    bench.qtbot.keyClicks(box.low, "-0.125")
    bench.qtbot.keyClick(box.low, Qt.Key.Key_Return)
    assert bench.controller.workspace.pane.limits is not None
    assert bench.controller.workspace.pane.limits[0] == -0.125


def test_panes_show_their_own_tensors_under_one_cursor(bench: Bench, checkpoint: Path) -> None:
    key = bench.open(checkpoint)
    bench.show("enc.0.weight")
    bench.window.actions_table["panes_2"].trigger()
    bench.controller.show(key, "enc.2.kernel", 1)
    bench.settle()
    assert [pane.address for pane in bench.controller.workspace.state.panes] == ["enc.0.weight", "enc.2.kernel"]
    assert all(bench.controller.drawn(i) is not None for i in (0, 1))
    bench.window.actions_table["next_pane"].trigger()
    bench.window.actions_table["panes_1"].trigger()
    assert bench.controller.workspace.pane.address == "enc.0.weight" or bench.controller.workspace.state.active == 0


def test_sliders_and_arrangements(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("stack")
    box = bench.window.inspector.layout_box
    assert [s.isVisibleTo(box) for s in box.sliders[:3]] == [True, True, True]
    bench.press(Qt.Key.Key_BracketRight)
    bench.settle()
    assert dict(bench.controller.resolved().layout.fixed)[0] == 1  # type: ignore[union-attr]
    bench.window.actions_table["transpose"].trigger()
    assert bench.controller.resolved().layout.grid == (20, 30)  # type: ignore[union-attr]


def test_views_by_digit_and_why_one_is_greyed_out(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.2.kernel")
    bench.press(Qt.Key.Key_2)
    bench.settle()
    assert bench.controller.workspace.pane.view == "rgb"
    assert not bench.window.toolbar.colours.isEnabled()
    assert any("PCA" in line for line in bench.window.inspector.recipe.texts())
    bench.press(Qt.Key.Key_1)
    bench.show("enc.0.bias")
    entry = bench.window.toolbar.view.model().item(1)
    assert not entry.isEnabled()
    assert "two axes" in entry.toolTip()
    assert not bench.window.actions_table["view:rgb"].isEnabled()


def test_statistics_are_copied_with_every_digit(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    table = bench.window.inspector.statistics
    table.selectRow(2)
    bench.qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    name, value = clipboard.text().split("\t")
    stats = bench.controller.library.statistics(str(checkpoint), "enc.0.weight")
    assert stats is not None
    assert (name, float(value)) == ("mean", stats.mean)
    assert value in table.model().index(2, 1).data(Qt.ItemDataRole.ToolTipRole)


def test_keys_step_through_tensors(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    names = list(bench.controller.library.sources[str(checkpoint)].infos)
    bench.show(names[1])
    bench.press(Qt.Key.Key_J)
    assert bench.controller.workspace.pane.address == names[2]
    bench.press(Qt.Key.Key_K)
    assert bench.controller.workspace.pane.address == names[1]


def test_wheel_zooms_and_reset_fits(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    bench.window.actions_table["zoom_in"].trigger()
    camera = bench.controller.workspace.pane.camera
    assert camera is not None
    native = bench.window.canvas.native
    bench.qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=_point(300, 300))
    bench.qtbot.mouseMove(native, _point(320, 310))
    bench.qtbot.mouseMove(native, _point(340, 330))
    bench.qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=_point(340, 330))
    moved = bench.controller.workspace.pane.camera
    assert moved is not None
    assert moved.x < camera.x
    bench.window.actions_table["reset_camera"].trigger()
    assert bench.controller.workspace.pane.camera is None


def test_click_pins_the_cell(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    x, y = bench.cell(5, 9)
    bench.qtbot.mouseClick(bench.window.canvas.native, Qt.MouseButton.LeftButton, pos=_point(x, y))
    assert bench.controller.workspace.pane.pin == (5, 9)


def test_dropped_files_open(bench: Bench, checkpoint: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(checkpoint))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    bench.window.dropEvent(event)
    bench.until(lambda: str(checkpoint) in bench.controller.library.sources)
    bench.settle()
    assert bench.window.central.on_canvas


def test_closing_the_last_source_brings_the_welcome_page(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.window.actions_table["close_source"].trigger()
    bench.until(lambda: not bench.window.central.on_canvas)
    assert bench.rows() == []
    assert bench.window.central.welcome.recent


def test_hostile_names_are_letters(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show(HOSTILE)
    shown = "<img src=x>\\u202e\\x1b[2J&b"
    assert shown in bench.rows()
    assert bench.window.windowTitle() == f"{shown} – nnscope"
    labels = bench.window.findChildren(QLabel)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    tips = [widget.toolTip() for widget in QApplication.allWidgets() if "img" in widget.toolTip()]
    assert tips
    assert all("<img" not in tip for tip in tips)
    index = bench.window.tree.model.find(str(checkpoint), HOSTILE)
    assert "&lt;img" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_themes_and_remembered_choice(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    for name, ground in (("light", (246, 247, 249)), ("dark", (21, 23, 28))):
        bench.window.actions_table[f"theme_{name}"].trigger()
        bench.settle()
        assert bench.controller.theme.ground == ground
        corner = bench.window.canvas.native.grabFramebuffer().pixelColor(2, 300)
        assert (corner.red(), corner.green(), corner.blue()) == ground
        assert bench.window.memory.now.theme == name


def test_nothing_is_left_after_closing(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.window.actions_table["panes_4"].trigger()
    bench.settle()
    window = weakref.ref(bench.window)
    canvas = weakref.ref(bench.window.canvas)
    native = bench.window.canvas.native
    bench.window.close()
    bench.forget()
    gone = partial(sip.isdeleted, native)
    bench.until(gone)
    del native, gone
    # what is deleted deletes what was connected to it a turn of the event loop later
    bench.until(lambda: gc.collect() is not None and window() is None and canvas() is None)


def _point(x: float, y: float) -> object:
    return QPointF(x, y).toPoint()
