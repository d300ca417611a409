"""Another tensor in a pane: in the view that was chosen if it is for that tensor, else in one that is, until it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.sources.gradient_flow import KIND as FLOW
from nnscope.views.registry import find_view

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo
    from nnscope.scene.state import PaneState

OTHERWISE = "heatmap"


def showing(pane: PaneState, source: str, address: str, info: TensorInfo | None) -> PaneState:
    """The pane with that tensor, of which ``info`` tells what is known."""
    stand_in, chosen = pane.stands_in
    if stand_in != pane.view:
        chosen = pane.view
    view = chosen if _is_for(chosen, info) else OTHERWISE
    view = FLOW if info is not None and info.kind == FLOW else view  # its view has the name of what it is for
    stands_in = ("", "") if view == chosen else (view, chosen)
    return replace(pane.showing(source, address), view=view, stands_in=stands_in)


def _is_for(view: str, info: TensorInfo | None) -> bool:
    """Whether a view may show what is not known yet, can't be read, or is for it."""
    if info is None or info.unreadable:
        return view != FLOW
    return not find_view(view).refuses(info)
