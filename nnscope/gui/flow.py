"""The gradient flow of a run in the window: shown in its own view, with a click on a column going to its step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.picture import TilePicture
from nnscope.sources.gradient_flow import ADDRESS, KIND

if TYPE_CHECKING:
    from nnscope.scene.controller import Controller

VIEW = KIND  # the view has the name of what it is for
OTHERWISE = "heatmap"


def has_flow(controller: Controller) -> bool:
    """Whether the run of the active pane has gradients."""
    return controller.library.info(controller.workspace.pane.source, ADDRESS) is not None


def show_flow(controller: Controller) -> None:
    """Show the gradient flow of the active pane's run there."""
    if has_flow(controller):
        show_fitting(controller, controller.workspace.pane.source, ADDRESS)


def show_fitting(controller: Controller, source: str, address: str) -> None:
    """Show a tensor in the active pane, in a view that is for it; in a comparison of sources, in all of its panes."""
    workspace, info = controller.workspace, controller.library.info(source, address)
    state = workspace.state
    together = controller.pairs.chosen(state, source, address)
    if together is not None:
        workspace.set(together)
        return
    pane, flow = state.pane.showing(source, address), info is not None and info.kind == KIND
    if flow != (pane.view == VIEW):
        pane = replace(pane, view=VIEW if flow else OTHERWISE)
    panes = tuple(pane if at == state.active else other for at, other in enumerate(state.panes))
    workspace.set(replace(state, panes=panes))


def go_to_column(controller: Controller) -> None:
    """Where a cell of the gradient flow was clicked, go to the step of its column."""
    drawn, pin = controller.drawn(), controller.workspace.pane.pin
    picture = drawn.composed.picture if drawn is not None and drawn.resolved.view.name == VIEW else None
    if isinstance(picture, TilePicture) and pin is not None and pin[1] < len(picture.labels[1]):
        controller.timeline.choose(int(picture.labels[1][pin[1]]))
