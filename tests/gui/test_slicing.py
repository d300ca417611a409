"""The slicing plane by hand: controls, keys, the handle on the canvas; the heat map beside that follows or leads."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, Qt

from nnscope.compute.space.cutting import direction, slab
from nnscope.core.cut import Cut
from nnscope.core.layout import Layout, volume_layout
from nnscope.scene.slicing import freed, handle, index_along, section, through_middle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier


def _frame(bench: Bench, pane: int = 0) -> Any:
    drawn = bench.controller.drawn(pane)
    assert drawn is not None
    return drawn.composed.frame


def _cut(bench: Bench, pane: int = 0) -> Cut | None:
    resolved = bench.controller.resolved(pane)
    assert resolved is not None
    return resolved.space.cut


def _key(bench: Bench, key: Qt.Key, keys: Qt.KeyboardModifier = PLAIN) -> None:
    native = bench.window.canvas.native
    bench.window.activateWindow()
    native.setFocus()
    bench.until(lambda: bench.window.isActiveWindow() and native.hasFocus())  # shortcuts count only there
    bench.qtbot.keyClick(native, key, keys)
    bench.settle()


def _shows_hand(bench: Bench, at: QPoint) -> bool:
    """Whether the pointer becomes a hand there."""
    native = bench.window.canvas.native
    bench.qtbot.mouseMove(native, at + QPoint(1, 0))
    bench.qtbot.mouseMove(native, at)
    return bool(native.cursor().shape() == Qt.CursorShape.PointingHandCursor)


def test_plane_slab_and_box_from_the_inspector(volume: Bench) -> None:
    box = volume.window.inspector.cut
    volume.until(box.isVisible)
    box.kind.chosen.emit("y")
    volume.settle()
    assert _cut(volume) == Cut("y", 15)
    box.at.setValue(7)
    volume.settle()
    box.thickness.setValue(4)
    box.reduction.chosen.emit("extremes")
    volume.settle()
    assert _cut(volume) == Cut("y", 7, 4, "extremes")
    assert any("cut across y at 7 … 10, extremes" in line for line in volume.window.inspector.recipe.texts())
    box.number.selectAll()
    volume.qtbot.keyClicks(box.number, "99")
    volume.qtbot.keyClick(box.number, Qt.Key.Key_Return)
    volume.settle()
    assert _cut(volume) == Cut("y", 26, 4, "extremes")  # as far as the slab goes
    field = box.ends[2][1]
    field.selectAll()
    volume.qtbot.keyClicks(field, "20")
    volume.qtbot.keyClick(field, Qt.Key.Key_Return)
    volume.until(lambda: _frame(volume).space.clip == ((0, 0, 0), (20, 30, 21)))
    volume.settle()
    box.reset_clip.click()
    volume.until(lambda: _frame(volume).space.clip is None)
    box.kind.chosen.emit("none")
    volume.until(lambda: _frame(volume).space.plane is None)
    volume.window.actions_table["undo"].trigger()
    assert _cut(volume) == Cut("y", 26, 4, "extremes")


def test_keys_put_turn_and_move_the_plane(volume: Bench) -> None:
    _key(volume, Qt.Key.Key_C)
    assert _cut(volume) == through_middle("z", (40, 30, 20)) == Cut("z", 20)
    _key(volume, Qt.Key.Key_Period)
    _key(volume, Qt.Key.Key_Period)
    _key(volume, Qt.Key.Key_Comma)
    _key(volume, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    assert _cut(volume) == Cut("z", 21, 2)
    _key(volume, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert _cut(volume) == Cut("x", 10)
    _key(volume, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    cut, camera = _cut(volume), volume.controller.steering.orbit(0)
    assert cut is not None
    assert camera is not None
    assert (cut.axis, cut.azimuth, cut.elevation) == ("", camera.azimuth, camera.elevation)
    assert volume.window.inspector.cut.face.isVisible()
    assert any("free cut, nearest values" in line for line in volume.window.inspector.recipe.texts())
    _key(volume, Qt.Key.Key_C)
    assert _cut(volume) is None
    assert not volume.window.actions_table["cut_on"].isEnabled()


def test_the_handle_is_dragged_along_the_normal_in_one_step(volume: Bench) -> None:
    _key(volume, Qt.Key.Key_C)
    place, native = handle(_frame(volume)), volume.window.canvas.native
    assert place is not None
    start = QPoint(round(place.x), round(place.y))
    way = np.array(place.along) * 6
    volume.until(lambda: _shows_hand(volume, start))
    volume.qtbot.mousePress(native, LEFT, PLAIN, start)
    for share in (0.3, 0.6, 1.0):
        volume.qtbot.mouseMove(native, start + QPoint(round(share * way[0]), round(share * way[1])))
        volume.settle()
    volume.qtbot.mouseRelease(native, LEFT, PLAIN, start)
    cut = _cut(volume)
    assert cut is not None
    assert abs(cut.at - 26) <= 1
    assert volume.controller.workspace.pane.orbit is None  # the volume did not turn
    volume.window.actions_table["undo"].trigger()
    assert _cut(volume) == Cut("z", 20)


def test_with_shift_the_handle_turns_the_plane(volume: Bench) -> None:
    _key(volume, Qt.Key.Key_C)
    place, native = handle(_frame(volume)), volume.window.canvas.native
    assert place is not None
    start = QPoint(round(place.x), round(place.y))
    shift = Qt.KeyboardModifier.ShiftModifier
    volume.qtbot.mousePress(native, LEFT, shift, start)
    for by in (10, 30):
        volume.qtbot.mouseMove(native, start + QPoint(by, 0))
        volume.settle()
    volume.qtbot.mouseRelease(native, LEFT, shift, start)
    cut = _cut(volume)
    assert cut is not None
    assert (cut.axis, cut.elevation) == ("", 0)
    assert cut.azimuth > 5
    assert cut.at == pytest.approx(0.5)  # the middle of plane 20 of 40
    assert volume.controller.workspace.pane.orbit is None


@pytest.mark.parametrize("cut", [Cut("x", 3), Cut("y", 7, 4), Cut("z", 0)], ids="xyz")
def test_a_plane_set_free_stays_where_it_is(cut: Cut) -> None:
    shape = (12, 17, 21)
    free = freed(cut, shape)
    assert direction(free) == pytest.approx(direction(cut))
    assert slab(free, shape) == pytest.approx(slab(cut, shape))


def test_the_heat_map_beside_follows_the_plane_and_leads_it(volume: Bench, checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    workspace = volume.controller.workspace
    _key(volume, Qt.Key.Key_B)
    volume.until(lambda: volume.controller.drawn(1) is not None and _frame(volume, 1).tiles)
    assert [pane.view for pane in workspace.state.panes] == ["volume", "heatmap"]
    _key(volume, Qt.Key.Key_Period)
    volume.until(lambda: dict(workspace.state.panes[1].layout.fixed)[2] == 21)  # type: ignore[union-attr]
    volume.until(lambda: _values(volume) is not None)
    assert np.array_equal(_values(volume), load_file(checkpoint)["stack"][0, 0, 21])  # type: ignore[arg-type]
    volume.controller.activate(1)
    volume.settle()
    sliders = volume.window.inspector.layout_box.sliders
    sliders[2].slider.setValue(5)
    volume.settle()
    assert _cut(volume) == Cut("z", 5)
    sliders[1].slider.setValue(2)  # an axis of neither: the volume goes along
    volume.settle()
    assert dict(volume.controller.resolved(0).layout.fixed)[1] == 2  # type: ignore[union-attr]
    volume.window.actions_table["undo"].trigger()
    volume.settle()
    assert _cut(volume) == Cut("z", 21)  # both sliders were one way
    volume.controller.activate(0)
    workspace.update_pane(space=replace(workspace.pane.space, cut=Cut("x", 3)))
    volume.settle()
    flat = workspace.state.panes[1].layout
    assert flat is not None
    assert (flat.rows, flat.cols, dict(flat.fixed)[4]) == ((3,), (2,), 3)
    workspace.set(replace(workspace.state, linked=False))
    _key(volume, Qt.Key.Key_Period)
    assert workspace.state.panes[1].layout == flat


def _values(bench: Bench) -> np.ndarray | None:
    frame, drawn = _frame(bench, 1), bench.controller.drawn(1)
    same = drawn is not None and drawn.resolved.layout == bench.controller.workspace.state.panes[1].layout
    if not same or not frame.tiles or drawn.composed.missing:  # type: ignore[union-attr]
        return None
    rows, cols = frame.grid
    values: np.ndarray = frame.tiles[-1].tile.values[:rows, :cols]
    return values


@given(st.lists(st.integers(1, 4), min_size=3, max_size=5).map(tuple), st.sampled_from("xyz"), st.data())
def test_a_section_shows_the_elements_of_its_plane(shape: tuple[int, ...], axis: str, data: st.DataObject) -> None:
    layout: Layout = volume_layout(shape)
    size = layout.volume_shape[2 - "xyz".index(axis)]
    at = data.draw(st.integers(0, size - 1))
    flat = section(layout, Cut(axis, at))
    assert flat is not None
    assert index_along(layout, flat, axis) == at
    for row, col in itertools.product(*map(range, flat.grid)):
        depth, y, x = {"z": (at, row, col), "y": (row, at, col), "x": (col, row, at)}[axis]
        assert flat.index_at(row, col) == layout.index_at(y, x, depth)


@pytest.mark.parametrize("view", ["volume", "voxels"])
def test_window_and_command_line_draw_the_same_slab(volume: Bench, checkpoint: Path, tmp_path: Path, view: str) -> None:
    from PIL import Image

    from nnscope.__main__ import main

    workspace = volume.controller.workspace
    cut = Cut("y", 12, 3, "max")
    workspace.update_pane(view=view, space=replace(workspace.pane.space, cut=cut, mode="mip"))
    volume.settle()
    assert _cut(volume) == cut
    volume.window.commands.space.parallel()
    workspace.update_pane(orbit=replace(workspace.pane.orbit, azimuth=20.0, elevation=50.0, distance=2.0))  # type: ignore[type-var]
    volume.until(lambda: volume.controller.coarseness == 1)
    pixels = volume.window.canvas.picture(volume.controller.frame(640, 480, 1.0))
    out, theme = tmp_path / "slab.png", volume.controller.theme.name
    line = ["render", str(checkpoint), "stack", "-o", str(out), "--view", view, "--mode", "mip", "--theme", theme]
    how = ["--slice", "y=12,3,max", "--projection", "orthographic", "--camera", "20,50,2", "--size", "640x480"]
    assert main([*line, *how]) == 0
    picture = np.asarray(Image.open(out))
    assert np.array_equal(picture[60:, :470], pixels[60:, :470])
    if view == "volume":
        assert main([*line, "--slice", "y=29,3"]) == 2
        assert main([*line, "--slice", "w=1"]) == 2
        assert main([*line, "--slice", "y=a"]) == 2
        assert main([*line[:6], "heatmap", "--slice", "y=1"]) == 2


def test_a_slab_beside_is_a_section_that_follows_and_leads(volume: Bench, checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    workspace = volume.controller.workspace
    workspace.update_pane(space=replace(workspace.pane.space, cut=Cut("y", 10)))
    _key(volume, Qt.Key.Key_B)
    for _ in range(2):
        _key(volume, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    volume.until(lambda: workspace.state.panes[1].view == "section" and _values(volume) is not None)
    volume.settle()
    values, whole = _values(volume), load_file(checkpoint)["stack"][0, 0]
    assert values == pytest.approx(whole[:, 10:13].mean(1), rel=1e-6, abs=1e-6)
    assert any("mean" in step.name and "10 … 12" in step.detail for step in _recipe(volume))
    volume.controller.activate(1)
    volume.settle()
    box = volume.window.inspector.options
    volume.until(lambda: "at" in box.controls)
    box.controls["at"].typed.emit(4.0)  # type: ignore[union-attr]
    volume.settle()
    assert _cut(volume) == Cut("y", 4, 3)
    volume.controller.activate(0)
    volume.settle()
    for _ in range(2):
        _key(volume, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    volume.until(lambda: workspace.state.panes[1].view == "heatmap")


def test_a_free_plane_beside_follows_leads_and_names_its_elements(volume: Bench, checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    workspace, whole = volume.controller.workspace, load_file(checkpoint)["stack"][0, 0]
    workspace.update_pane(space=replace(workspace.pane.space, cut=Cut("", 0.0, 1, "mean", 35.0, 20.0)))
    volume.settle()
    assert volume.window.inspector.cut.show_beside.isEnabled()
    _key(volume, Qt.Key.Key_B)
    volume.until(lambda: workspace.state.panes[1].view == "plane" and _sheet_values(volume) is not None)
    before = _sheet_values(volume)
    _key(volume, Qt.Key.Key_Period)
    volume.until(lambda: dict(workspace.state.panes[1].settings)["at"] == 1.0 and _sheet_values(volume) is not None)
    assert not np.array_equal(before, _sheet_values(volume))  # type: ignore[arg-type]
    volume.controller.activate(1)
    volume.settle()
    box = volume.window.inspector.options
    volume.until(lambda: "azimuth" in box.controls)
    box.controls["azimuth"].typed.emit(-90.0)  # type: ignore[union-attr]
    box.controls["elevation"].typed.emit(0.0)  # type: ignore[union-attr]
    box.controls["at"].typed.emit(2.5)  # type: ignore[union-attr]
    volume.settle()
    assert _cut(volume) == Cut("", 2.5, 1, "mean", -90.0, 0.0)
    volume.until(lambda: _sheet_values(volume) is not None)
    assert np.array_equal(_sheet_values(volume), whole[:, :, 12].T)  # type: ignore[arg-type]
    frame = _frame(volume, 1)
    assert (frame.row_axis.name, frame.col_axis.name) == ("y", "z")
    answer = volume.hover(round(frame.picture.x + frame.picture.w / 2), round(frame.picture.y + frame.picture.h / 2))
    assert answer.index is not None
    assert answer.index[-1] == 12
    assert answer.value == whole[answer.index[2:]]


def _sheet_values(bench: Bench) -> np.ndarray | None:
    drawn = bench.controller.drawn(1)
    if drawn is None or drawn.resolved.settings != _settings_of(bench) or drawn.composed.missing:
        return None
    (placed,) = drawn.composed.frame.tiles
    values: np.ndarray = placed.tile.values
    return values


def _settings_of(bench: Bench) -> object:
    resolved = bench.controller.resolved(1)
    return None if resolved is None else resolved.settings


def _recipe(bench: Bench) -> Any:
    drawn = bench.controller.drawn(1)
    assert drawn is not None
    return drawn.resolved.recipe(drawn.composed.picture)
