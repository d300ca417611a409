"""A volume in the window: turned, moved, zoomed, hovered, pinned, and the same pixels as a picture without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPoint, Qt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
PLAIN = Qt.KeyboardModifier.NoModifier


def _drag(bench: Bench, button: Qt.MouseButton, keys: Qt.KeyboardModifier = PLAIN) -> None:
    native = bench.window.canvas.native
    bench.qtbot.mousePress(native, button, keys, QPoint(300, 300))
    bench.qtbot.mouseMove(native, QPoint(320, 310))
    bench.qtbot.mouseMove(native, QPoint(350, 320))
    bench.qtbot.mouseRelease(native, button, keys, QPoint(350, 320))
    bench.settle()


def test_the_last_three_axes_are_shown_and_the_others_have_sliders(volume: Bench) -> None:
    resolved = volume.controller.resolved()
    assert resolved is not None
    assert resolved.layout.volume_shape == (40, 30, 20)
    assert [axis for axis, _ in resolved.layout.fixed] == [0, 1]


def test_a_matrix_has_no_volume(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    assert not bench.window.actions_table["view:volume"].isEnabled()


def test_left_drags_turn_others_move_and_reset_fits(volume: Bench) -> None:
    workspace = volume.controller.workspace
    before = volume.space().camera
    _drag(volume, LEFT)
    turned = workspace.pane.orbit
    assert turned is not None
    assert turned.azimuth < before.azimuth
    assert turned.elevation > before.elevation
    assert turned.centre is None
    for button, keys in ((LEFT, SHIFT), (MIDDLE, PLAIN)):
        centre = workspace.pane.orbit.centre  # type: ignore[union-attr]
        _drag(volume, button, keys)
        assert workspace.pane.orbit is not None
        assert workspace.pane.orbit.centre != centre
        assert workspace.pane.orbit.azimuth == turned.azimuth
    volume.window.actions_table["zoom_in"].trigger()
    assert workspace.pane.orbit.distance < turned.distance
    volume.window.actions_table["reset_camera"].trigger()
    assert workspace.pane.orbit is None
    volume.window.actions_table["undo"].trigger()
    assert workspace.pane.orbit is not None


def test_hovering_tells_the_exact_element_and_a_click_pins_it(volume: Bench, checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    from nnscope.views.volume_pick import voxel_under

    pane = volume.controller.drawn().composed.frame  # type: ignore[union-attr]
    picture = pane.picture
    x, y = picture.x + picture.w // 2, picture.y + picture.h // 2
    answer = volume.hover(x, y)
    voxel = voxel_under(pane, x + 0.5, y + 0.5)
    assert answer is not None
    assert answer.index == (0, 0, *(voxel or ()))
    assert answer.value == load_file(checkpoint)["stack"][answer.index]
    volume.qtbot.mouseClick(volume.window.canvas.native, LEFT, PLAIN, QPoint(x, y))
    assert volume.controller.workspace.pane.pin == (answer.index[3], answer.index[4], answer.index[2])


def test_window_and_picture_without_one_have_the_same_pixels(volume: Bench, checkpoint: Path) -> None:
    import nnscope

    window = volume.window
    frame = volume.controller.frame(640, 480, 1.0)
    pixels = window.canvas.picture(frame)
    with nnscope.open(checkpoint) as source:
        picture = source["stack"].render(view="volume", size=(640, 480), theme=volume.controller.theme.name)
    assert np.array_equal(picture.rgba[60:, :470], pixels[60:, :470])


def test_what_rays_show_is_chosen_in_the_tool_bar(volume: Bench) -> None:
    bar = volume.window.toolbar
    volume.until(lambda: bar.rays.isVisible() and not bar.reduction.isVisible())
    bar.rays.chosen.emit("translucent")
    volume.settle()
    assert volume.space().mode == "translucent"
    legend = volume.controller.drawn().composed.frame.legend  # type: ignore[union-attr]
    assert legend is not None
    assert not legend.faithful
    volume.window.actions_table["scientific"].trigger()
    volume.settle()
    assert volume.space().mode == "signed"
    volume.window.commands.view.choose_view("heatmap")
    volume.settle()
    volume.until(bar.reduction.isVisible)
    assert not bar.rays.isVisible()


def test_hue_and_opacity_are_settings_of_translucent_rays(volume: Bench) -> None:
    box, rays = volume.window.inspector.options, volume.window.toolbar.rays
    volume.until(lambda: set(box.controls) == {"hue", "opacity"})
    assert not box.controls["hue"].isEnabled()
    assert "translucent" in box.controls["hue"].toolTip()
    rays.chosen.emit("translucent")
    volume.settle()
    assert box.controls["hue"].isEnabled()
    box.changed.emit("hue", "gradient")
    box.changed.emit("opacity", "norm")
    volume.settle()
    volume.until(lambda: volume.space().picture.tints is not None and volume.space().picture.weights is not None)
    volume.window.actions_table["scientific"].trigger()
    volume.settle()
    volume.until(lambda: volume.space().picture.tints is None)
    assert not box.controls["hue"].isEnabled()
    assert "scientific mode" in box.controls["hue"].toolTip()
