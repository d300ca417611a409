"""Comparing two steps of the active pane's run in the window: asked for, and shown side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.gui.dialogs.compare import CompareDialog
from nnscope.scene.comparing import compared
from nnscope.scene.timeline import OVER_STEPS, at_or_before

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.scene.controller import Controller


def can_compare(controller: Controller) -> bool:
    """Whether the active pane's tensor was kept at two steps or more."""
    pane = controller.workspace.pane
    info = controller.library.info(pane.source, pane.address)
    timeless = info is None or info.kind in OVER_STEPS
    return not timeless and len(controller.timeline.kept_here()) > 1


def ask_to_compare(controller: Controller, parent: QWidget) -> None:
    """Ask for a step, and show what changed since."""
    timeline, workspace = controller.timeline, controller.workspace
    if not can_compare(controller):
        return
    kept = timeline.kept_here()
    shown = at_or_before(kept, timeline.chosen())
    dialog = CompareDialog(workspace.pane.address, kept.tolist(), int(kept[0]) if shown is None else shown, parent)
    dialog.wanted.connect(lambda step: workspace.set(compared(workspace.state, step)))
    dialog.show()
