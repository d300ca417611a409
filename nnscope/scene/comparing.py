"""Two steps of a run side by side, with what changed between them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.scene.state import WorkspaceState


def compared(state: WorkspaceState, step: int) -> WorkspaceState:
    """Three linked panes: the active pane's tensor at ``step``, at the step chosen for its run, and the difference.

    The first stays at its step; the others go with the run. Both steps have one colour domain: that of all steps, or
    the limits that were chosen.
    """
    chosen = replace(state.pane, step=None, minus=None, each_step=False, beside="")
    before = replace(chosen, step=step)
    change = replace(chosen, minus=step, normalisation="", limits=None, colours="")
    return replace(state, panes=(before, chosen, change), active=1, linked=True)
