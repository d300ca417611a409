"""Comparing two steps of the active pane's run, or two sources, in the window: asked for, and shown side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.gui.dialogs.compare import CompareDialog
from nnscope.gui.dialogs.compare_source import CompareSourceDialog
from nnscope.scene.comparing import compared
from nnscope.scene.timeline import OVER_STEPS, at_or_before
from nnscope.sources.difference import KIND as DIFFERENCE

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.scene.controller import Controller


def can_compare(controller: Controller) -> bool:
    """Whether the active pane's tensor was kept at two steps or more."""
    pane = controller.workspace.pane
    info = controller.library.info(pane.source, pane.address)
    timeless = info is None or info.kind in (*OVER_STEPS, DIFFERENCE)
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


def ask_for_source(controller: Controller, parent: QWidget) -> None:
    """Ask for another file or run, and show the active pane's tensor beside the one there."""
    pane, sources = controller.workspace.pane, controller.library.sources
    if not pane.address:
        return
    first = sources[pane.source].sides[:1] if pane.source in sources else ()
    others = [key for key, source in sources.items() if key not in (pane.source, *first) and not source.sides]
    dialog = CompareSourceDialog(pane.address, others, parent)
    dialog.wanted.connect(controller.pairs.compare)
    dialog.show()
