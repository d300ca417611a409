"""The gradient flow of a run in the window: shown in its own view, with a click on a column going to its step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.picture import TilePicture
from nnscope.sources.gradient_flow import ADDRESS, KIND

if TYPE_CHECKING:
    from nnscope.scene.controller import Controller

VIEW = KIND  # the view has the name of what it is for


def has_flow(controller: Controller) -> bool:
    """Whether the run of the active pane has gradients."""
    return controller.library.info(controller.workspace.pane.source, ADDRESS) is not None


def show_flow(controller: Controller) -> None:
    """Show the gradient flow of the active pane's run there."""
    if has_flow(controller):
        controller.show(controller.workspace.pane.source, ADDRESS)


def go_to_column(controller: Controller) -> None:
    """Where a cell of the gradient flow was clicked, go to the step of its column."""
    drawn, pin = controller.drawn(), controller.workspace.pane.pin
    picture = drawn.composed.picture if drawn is not None and drawn.resolved.view.name == VIEW else None
    if isinstance(picture, TilePicture) and pin is not None and pin[1] < len(picture.labels[1]):
        controller.timeline.choose(int(picture.labels[1][pin[1]]))
