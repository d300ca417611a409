"""Gradient flow in the window: its view comes and goes with it, and a click on a column goes to that step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PyQt6.QtCore import QPointF, Qt

from tests.sources.test_gradient_flow import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench


@pytest.mark.gui
@pytest.mark.gl
def test_a_click_on_a_column_goes_to_its_step(bench: Bench, tmp_path: Path) -> None:
    write(tmp_path / "run")
    bench.open(tmp_path / "run")
    actions, workspace = bench.window.actions_table, bench.controller.workspace
    bench.until(lambda: actions["gradient_flow"].isEnabled())
    actions["gradient_flow"].trigger()
    bench.settle()
    assert (workspace.pane.address, workspace.pane.view) == ("gradient-flow", "gradient-flow")
    place = QPointF(*bench.cell(2, 11)).toPoint()
    bench.qtbot.mouseClick(bench.window.canvas.native, Qt.MouseButton.LeftButton, pos=place)
    assert bench.controller.timeline.chosen() == 11
    bench.settle()
    drawn = bench.controller.drawn()
    assert drawn is not None
    assert drawn.composed.frame.pictured  # it is of all steps, whichever is shown
    bench.controller.hover(place.x(), place.y())
    bench.until(lambda: "head: norm" in bench.window.status.hover.text())
    bench.window.show_tensor(workspace.pane.source, "head.weight:grad")
    assert workspace.pane.view == "heatmap"
