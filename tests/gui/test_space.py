"""Looking at a volume by hand: the inspector's controls, standard views, the little cube, centring, turning, flying."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt

from nnscope.compute.space.perspective import eye
from nnscope.core.frame import Rect
from nnscope.core.space import FOV, Camera3D
from nnscope.gui.inspector.number_field import NumberField
from nnscope.gui.inspector.number_slider import NumberSlider, Range
from nnscope.scene.cube import SIDE, cube_eye, cube_place, face_at
from nnscope.scene.directions import DIRECTIONS, between, seen_from
from nnscope.scene.flight import flown, looked_around

if TYPE_CHECKING:
    from tests.gui.conftest import Bench

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier
PICTURE = Rect(60, 40, 500, 400)
BOUNDS = (40.0, 30.0, 20.0)


def _camera(bench: Bench) -> Camera3D:
    camera = bench.controller.steering.orbit(0)
    assert camera is not None
    return camera


def _arrive(bench: Bench) -> None:
    bench.until(lambda: not bench.window.turning.under_way)
    bench.settle()


def _press(bench: Bench, key: Qt.Key, keys: Qt.KeyboardModifier = PLAIN) -> None:
    native = bench.window.canvas.native
    bench.window.activateWindow()
    native.setFocus()
    bench.until(lambda: bench.window.isActiveWindow() and native.hasFocus())  # shortcuts count only there
    bench.qtbot.keyClick(native, key, keys)
    _arrive(bench)


def _shows_hand(bench: Bench, at: QPoint) -> bool:
    """Whether the pointer becomes a hand there."""
    native = bench.window.canvas.native
    bench.qtbot.mouseMove(native, at + QPoint(1, 0))
    bench.qtbot.mouseMove(native, at)
    return bool(native.cursor().shape() == Qt.CursorShape.PointingHandCursor)


def test_only_what_the_mode_can_be_tuned_by_is_shown(volume: Bench) -> None:
    box = volume.window.inspector.space
    volume.until(box.isVisible)
    shown = {}
    for mode in ("mip", "surface", "translucent"):
        box.mode.chosen.emit(mode)
        volume.settle()
        assert volume.controller.workspace.pane.space.mode == mode
        shown[mode] = (box.threshold.isVisible(), box.gain.isVisible())
    assert shown == {"mip": (False, False), "surface": (True, False), "translucent": (False, True)}
    volume.window.actions_table["scientific"].trigger()
    volume.settle()
    assert box.mode.value == "signed"
    entries = {box.mode.itemData(i): box.mode.model().item(i) for i in range(box.mode.count())}
    assert not entries["translucent"].isEnabled()
    assert "scientific" in entries["translucent"].toolTip()
    volume.window.commands.view.choose_view("heatmap")
    volume.settle()
    assert not box.isVisible()


def test_the_threshold_is_dragged_typed_and_undone_in_one_step(volume: Bench) -> None:
    box, workspace = volume.window.inspector.space, volume.controller.workspace
    box.mode.chosen.emit("surface")
    volume.settle()
    plot = box.threshold.plot
    before, scale = volume.space().threshold, plot.scale
    assert scale is not None
    start, end = (QPoint(round(scale.pixel(value)), 20) for value in (before, 1.5))
    volume.qtbot.mousePress(plot, LEFT, pos=start)
    volume.qtbot.mouseMove(plot, (start + end) / 2)
    volume.qtbot.mouseMove(plot, end)
    volume.qtbot.mouseRelease(plot, LEFT, pos=end)
    volume.settle()
    assert volume.space().threshold == pytest.approx(1.5, abs=2 * (scale.hi - scale.lo) / scale.width)
    assert any("threshold" in line for line in volume.window.inspector.recipe.texts())
    box.threshold.field.selectAll()
    volume.qtbot.keyClicks(box.threshold.field, "0.75")
    volume.qtbot.keyClick(box.threshold.field, Qt.Key.Key_Return)
    volume.settle()
    assert volume.space().threshold == 0.75
    workspace.undo()
    assert workspace.pane.space.threshold is None


def test_gain_and_sampling_reach_the_picture(volume: Bench) -> None:
    box = volume.window.inspector.space
    box.mode.chosen.emit("translucent")
    box.interpolation.chosen.emit("linear")
    box.gain.slider.setValue(900)
    volume.settle()
    space = volume.space()
    assert (space.interpolation, space.gain) == ("linear", volume.controller.workspace.pane.space.gain)
    assert space.gain == pytest.approx(Range(0.1, 100, log=True).value(900))


def test_axes_of_the_layout_are_chosen_and_change_places(volume: Bench) -> None:
    box = volume.window.inspector.layout_box
    assert [combo.currentIndex() for combo in (box.columns, box.rows, box.depths)] == [4, 3, 2]
    box.depths.setCurrentIndex(4)
    box.depths.activated.emit(4)
    volume.settle()
    assert volume.controller.resolved().layout.volume_shape == (20, 30, 40)  # type: ignore[union-attr]
    assert box.columns.currentIndex() == 2
    assert [slider.isVisible() for slider in box.sliders][:2] == [True, True]
    box.sliders[1].slider.setValue(2)
    volume.settle()
    assert dict(volume.controller.resolved().layout.fixed)[1] == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("key", "keys", "direction"),
    [
        (Qt.Key.Key_Z, PLAIN, "front"),
        (Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier, "left"),
        (Qt.Key.Key_7, Qt.KeyboardModifier.KeypadModifier, "top"),
        (Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ControlModifier, "back"),
        (Qt.Key.Key_I, PLAIN, "isometric"),
    ],
    ids=["Z", "Shift+X", "Num+7", "Ctrl+Num+1", "I"],
)
def test_standard_views_on_keys(volume: Bench, key: Qt.Key, keys: Qt.KeyboardModifier, direction: str) -> None:
    before = _camera(volume)
    _press(volume, key, keys)
    after = _camera(volume)
    assert (after.azimuth, after.elevation) == DIRECTIONS[direction]
    assert after.distance == before.distance
    assert len(volume.controller.workspace.state.panes) == 1  # Ctrl+1 is another command than Ctrl and the pad's 1
    volume.window.actions_table["undo"].trigger()
    volume.settle()
    assert _camera(volume) == before


def test_projection_keeps_the_size_and_survives_a_reset(volume: Bench) -> None:
    drawn = volume.controller.drawn()
    assert drawn is not None
    before = eye(_camera(volume), BOUNDS, drawn.picture).scale
    _press(volume, Qt.Key.Key_O)
    assert _camera(volume).fov == 0
    assert eye(_camera(volume), BOUNDS, drawn.picture).scale == pytest.approx(before)
    assert volume.window.actions_table["parallel"].isChecked()
    assert not volume.window.inspector.space.angle.isEnabled()
    volume.window.actions_table["reset_camera"].trigger()
    assert _camera(volume).fov == 0
    volume.window.inspector.space.projection.chosen.emit("perspective")
    assert _camera(volume).fov == FOV
    volume.settle()
    volume.window.inspector.space.angle.moved.emit(60.0)
    assert _camera(volume).fov == 60
    assert eye(_camera(volume), BOUNDS, drawn.picture).scale == pytest.approx(before, rel=0.2)


def test_a_face_of_the_little_cube_turns_the_view(volume: Bench) -> None:
    drawn = volume.controller.drawn()
    assert drawn is not None
    place = cube_place(drawn.picture, drawn.place.scale)
    assert place is not None
    middle = cube_eye(_camera(volume), place).project(np.array([[0.5, 0.0, 0.5]]))[0][0]
    at = QPoint(place.x + round(middle[0]), place.y + round(middle[1]))
    volume.until(lambda: _shows_hand(volume, at))
    volume.qtbot.mouseClick(volume.window.canvas.native, LEFT, PLAIN, at)
    _arrive(volume)
    assert (_camera(volume).azimuth, _camera(volume).elevation) == DIRECTIONS["top"]
    assert volume.controller.workspace.pane.pin is None


def test_a_double_click_centres_a_voxel_and_beside_the_volume_shows_all(volume: Bench) -> None:
    drawn = volume.controller.drawn()
    assert drawn is not None
    picture, native = drawn.picture, volume.window.canvas.native
    at = QPoint(picture.x + picture.w // 2 + 40, picture.y + picture.h // 2)
    picked = drawn.resolved.space_view.pick(drawn.composed.frame, at.x() + 0.5, at.y() + 0.5)  # type: ignore[union-attr]
    assert picked is not None
    volume.qtbot.mouseDClick(native, LEFT, PLAIN, at)
    _arrive(volume)
    row, col, depth = picked.place
    assert _camera(volume).centre == pytest.approx((col + 0.5, row + 0.5, depth + 0.5))
    volume.qtbot.mouseDClick(native, LEFT, PLAIN, QPoint(picture.x + picture.w - 3, picture.y + 3))
    assert volume.controller.workspace.pane.orbit is None


def test_arrows_turn_the_picture_and_leave_lists_alone(volume: Bench) -> None:
    before = _camera(volume)
    _press(volume, Qt.Key.Key_Left)
    _press(volume, Qt.Key.Key_Down)
    assert _camera(volume).azimuth > before.azimuth
    assert _camera(volume).elevation > before.elevation
    still = _camera(volume)
    tree = volume.window.tree.tree
    tree.setFocus()
    volume.qtbot.keyClick(tree, Qt.Key.Key_Right)
    assert _camera(volume) == still


def test_flying_takes_its_keys_from_shortcuts_until_escape(volume: Bench) -> None:
    native, flying = volume.window.canvas.native, volume.window.flying
    _press(volume, Qt.Key.Key_F)
    assert flying.active
    assert volume.window.actions_table["fly"].isChecked()
    before = _camera(volume)
    seen = eye(before, BOUNDS, PICTURE)
    volume.qtbot.keyPress(native, Qt.Key.Key_S)
    volume.until(lambda: _camera(volume) != before)
    volume.qtbot.keyRelease(native, Qt.Key.Key_S)
    assert not volume.controller.workspace.state.scientific
    now = eye(_camera(volume), BOUNDS, PICTURE)
    assert (now.position - seen.position) @ seen.ahead < 0
    volume.qtbot.mouseMove(native, QPoint(400, 300))
    volume.qtbot.mouseMove(native, QPoint(430, 300))
    looked = eye(_camera(volume), BOUNDS, PICTURE)
    assert looked.position == pytest.approx(now.position)
    assert looked.ahead @ now.right > 0
    volume.qtbot.keyClick(native, Qt.Key.Key_Escape)
    assert not flying.active
    assert not volume.window.actions_table["fly"].isChecked()
    volume.window.actions_table["undo"].trigger()  # one flight is one step
    assert volume.controller.workspace.pane.orbit is None


def test_between_two_and_three_dimensions(volume: Bench) -> None:
    actions, workspace = volume.window.actions_table, volume.controller.workspace
    actions["dimension"].trigger()
    volume.settle()
    assert workspace.pane.view == "heatmap"
    assert not actions["look_front"].isEnabled()
    actions["dimension"].trigger()
    volume.settle()
    assert workspace.pane.view == "volume"
    assert actions["look_front"].isEnabled()


@pytest.mark.parametrize("direction", sorted(DIRECTIONS))
def test_the_cube_shows_its_face_to_each_standard_view(direction: str) -> None:
    camera = seen_from(Camera3D(12, 34), direction)
    if direction == "isometric":
        place = cube_place(PICTURE, 1.0)
        assert place is not None
        for point, face in (((0.5, 0.5, 0.0), "front"), ((1.0, 0.5, 0.5), "right"), ((0.5, 0.0, 0.5), "top")):
            x, y = cube_eye(camera, place).project(np.array([point]))[0][0]
            assert face_at(camera, PICTURE, 1.0, place.x + x - 0.5, place.y + y - 0.5) == face
        return
    x, y = PICTURE.x + SIDE / 2, PICTURE.y + PICTURE.h - SIDE / 2
    assert face_at(camera, PICTURE, 1.0, x, y) == direction
    assert face_at(camera, PICTURE, 1.0, x - SIDE / 2 + 1, y) == ""


def test_the_way_between_cameras_is_the_shorter_one() -> None:
    start, end = Camera3D(170, 10, 2.0, (0.0, 0.0, 0.0)), Camera3D(-170, -30, 8.0, (4.0, 2.0, 0.0))
    half = between(start, end, 0.5)
    assert (abs(half.azimuth), half.elevation, half.distance) == pytest.approx((180, -10, 4.0))
    assert half.centre == (2.0, 1.0, 0.0)
    assert between(start, end, 1.0) == end


def test_flying_moves_the_eye_and_looking_turns_about_it() -> None:
    camera = Camera3D(20, -10, 1.3, (3.0, 4.0, 5.0), 50.0)
    before = eye(camera, BOUNDS, PICTURE)
    moved = eye(flown(camera, BOUNDS, PICTURE, (0.1, 0.2, 0.3)), BOUNDS, PICTURE)
    way = np.array((0.1, 0.2, 0.3)) * np.linalg.norm(BOUNDS)
    expected = way[0] * before.right - way[1] * before.down + way[2] * before.ahead
    assert moved.position - before.position == pytest.approx(expected)
    looked = eye(looked_around(camera, BOUNDS, PICTURE, (30.0, 12.0)), BOUNDS, PICTURE)
    assert looked.position == pytest.approx(before.position)
    assert looked.ahead @ before.right > 0
    assert looked.ahead @ before.down > 0


def test_the_tolerances_of_voxels_are_live_with_what_they_come_to_beside_them(volume: Bench) -> None:
    volume.window.commands.view.choose_view("voxels")
    volume.settle()
    box = volume.window.inspector.options
    volume.until(lambda: box.isVisible() and "epsilon" in box.controls and box.facts[0].isVisible())
    before = [label.text() for label in box.facts]
    assert before[2] == "0"
    epsilon = box.controls["epsilon"]
    assert isinstance(epsilon, NumberSlider)
    epsilon.slider.setValue(800)
    volume.until(lambda: [label.text() for label in box.facts] != before)
    assert float(box.facts[2].text()) > 0
    tau = box.controls["tau"]
    assert isinstance(tau, NumberField)
    assert tau.text() == ""
    volume.qtbot.keyClicks(tau, "0.5")
    volume.qtbot.keyClick(tau, Qt.Key.Key_Return)
    assert dict(volume.controller.workspace.pane.settings)["tau"] == 0.5
    assert volume.window.inspector.cut.kind.isVisible()
    assert volume.window.inspector.cut.ends[0][0].isVisible()
    volume.window.commands.view.choose_view("landscape")
    volume.until(lambda: {"height", "relief"} <= set(box.controls) and "tau" not in box.controls)
