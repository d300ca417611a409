"""A landscape in the window: chosen, turned by a drag, tuned, and the same pixels as without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench


@pytest.fixture
def landscape(bench: Bench, checkpoint: Path) -> Bench:
    """A window that shows a matrix as a landscape."""
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    bench.view("landscape")
    return bench


def test_window_and_picture_without_one_have_the_same_pixels(landscape: Bench, checkpoint: Path) -> None:
    import nnscope

    frame = landscape.controller.frame(640, 480, 1.0)
    pixels = landscape.window.canvas.picture(frame)
    with nnscope.open(checkpoint) as source:
        theme = landscape.controller.theme.name
        picture = source["enc.0.weight"].render(view="landscape", size=(640, 480), theme=theme)
    assert np.array_equal(picture.rgba[60:, :470], pixels[60:, :470])


def test_it_turns_under_a_drag_and_is_exact_again_at_rest(landscape: Bench) -> None:
    before, native = landscape.space().camera, landscape.window.canvas.native
    landscape.qtbot.mousePress(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 300))
    landscape.qtbot.mouseMove(native, QPoint(320, 310))
    landscape.qtbot.mouseMove(native, QPoint(350, 320))
    landscape.qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(350, 320))
    landscape.settle()
    landscape.until(lambda: landscape.space().quality == 1)
    assert landscape.space().camera.azimuth != before.azimuth


def test_its_settings_are_in_the_inspector_and_its_reduction_in_the_tool_bar(landscape: Bench) -> None:
    landscape.until(landscape.window.toolbar.reduction.isVisible)
    assert not landscape.window.toolbar.rays.isVisible()
    landscape.window.inspector.options.changed.emit("height", "rows")
    landscape.settle()
    landscape.until(lambda: landscape.space().picture.lifted_by == "rows")
    landscape.window.actions_table["scientific"].trigger()
    landscape.settle()
    landscape.until(lambda: not landscape.space().picture.smooth)
