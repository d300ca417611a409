"""A landscape in the window: chosen, turned by a drag, tuned, and the same pixels as without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    bench.window.commands.view.choose_view("landscape")
    bench.settle()
    bench.until(lambda: _space(bench) is not None)
    return bench


def _space(bench: Bench) -> Any:
    drawn = bench.controller.drawn()
    return None if drawn is None else drawn.composed.frame.space


def test_window_and_picture_without_one_have_the_same_pixels(landscape: Bench, checkpoint: Path) -> None:
    import nnscope

    frame = landscape.controller.frame(640, 480, 1.0)
    pixels = landscape.window.canvas.picture(frame)
    with nnscope.open(checkpoint) as source:
        theme = landscape.controller.theme.name
        picture = source["enc.0.weight"].render(view="landscape", size=(640, 480), theme=theme)
    assert np.array_equal(picture.rgba[60:, :470], pixels[60:, :470])


def test_it_turns_under_a_drag_and_is_exact_again_at_rest(landscape: Bench) -> None:
    before, native = _space(landscape).camera, landscape.window.canvas.native
    landscape.qtbot.mousePress(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 300))
    landscape.qtbot.mouseMove(native, QPoint(320, 310))
    landscape.qtbot.mouseMove(native, QPoint(350, 320))
    landscape.qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(350, 320))
    landscape.settle()
    landscape.until(lambda: _space(landscape).quality == 1)
    assert _space(landscape).camera.azimuth != before.azimuth


def test_its_settings_are_in_the_inspector_and_its_reduction_in_the_tool_bar(landscape: Bench) -> None:
    landscape.until(landscape.window.toolbar.reduction.isVisible)
    assert not landscape.window.toolbar.rays.isVisible()
    landscape.window.inspector.options.changed.emit("height", "rows")
    landscape.settle()
    landscape.until(lambda: _space(landscape).picture.lifted_by == "rows")
    landscape.window.actions_table["scientific"].trigger()
    landscape.settle()
    landscape.until(lambda: not _space(landscape).picture.smooth)
