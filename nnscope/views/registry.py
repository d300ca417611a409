"""The views that exist, by name: ours, each one file and one line here, and those that plugins registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.plugins import loaded_plugins
from nnscope.views.heatmap import Heatmap
from nnscope.views.rgb import PcaRgb

if TYPE_CHECKING:
    from nnscope.views.base import View

_OURS: dict[str, View] = {view.name: view for view in (Heatmap(), PcaRgb())}


def views() -> tuple[View, ...]:
    """All views, in the order of the menu. A plugin can't replace one of ours."""
    return tuple({**loaded_plugins().registry.views, **_OURS}[name] for name in _names())


def find_view(name: str) -> View:
    """The view of that name.

    Raises
    ------
    NnscopeError
        If there is none.
    """
    ours = _OURS.get(name)
    if ours is not None:
        return ours
    theirs: View | None = loaded_plugins().registry.views.get(name)
    if theirs is None:
        raise NnscopeError("There is no view of this name.", name, f"Views are: {', '.join(_names())}.")
    return theirs


def _names() -> list[str]:
    return list(dict.fromkeys((*_OURS, *loaded_plugins().registry.views)))
