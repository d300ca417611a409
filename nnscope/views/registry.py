"""The views that exist, by name. A new view is one file and one line here, or a plugin's call of `add_view`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.views.heatmap import Heatmap
from nnscope.views.rgb import PcaRgb

if TYPE_CHECKING:
    from nnscope.views.base import View

_VIEWS: dict[str, View] = {view.name: view for view in (Heatmap(), PcaRgb())}


def views() -> tuple[View, ...]:
    """All views, in the order of the menu."""
    return tuple(_VIEWS.values())


def find_view(name: str) -> View:
    """The view of that name.

    Raises
    ------
    NnscopeError
        If there is none.
    """
    try:
        return _VIEWS[name]
    except KeyError:
        raise NnscopeError("There is no view of this name.", name, f"Views are: {', '.join(_VIEWS)}.") from None


def add_view(view: View) -> None:
    """Register a view.

    Raises
    ------
    NnscopeError
        If the name is taken.
    """
    if view.name in _VIEWS:
        raise NnscopeError("A view of this name exists already.", view.name)
    _VIEWS[view.name] = view
