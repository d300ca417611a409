"""The views that exist, by name: ours, each one file and one line here, and those that plugins registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from nnscope.core.errors import NnscopeError
from nnscope.core.plugins import loaded_plugins
from nnscope.core.space import Camera3D
from nnscope.views.attention import Attention
from nnscope.views.gradient_flow import GradientFlowView
from nnscope.views.heatmap import Heatmap
from nnscope.views.landscape import Landscape
from nnscope.views.plane import Plane
from nnscope.views.rgb import PcaRgb
from nnscope.views.section import Section
from nnscope.views.signs import Signs
from nnscope.views.splats import Splats
from nnscope.views.volume import Volume
from nnscope.views.voxels import Voxels

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings
    from nnscope.views.base import ArrangingView, SheetView, SpaceView, View

_OURS: dict[str, View] = {
    view.name: view
    for view in (
        Heatmap(),
        PcaRgb(),
        Volume(),
        Voxels(),
        Landscape(),
        Section(),
        Splats(),
        Attention(),
        GradientFlowView(),
        Plane(),
        Signs(),
    )
}


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


def dimensions(view: View) -> int:
    """2 or 3: of the pictures that a view makes."""
    return getattr(view, "dimensions", 2)


def unit_of(view: View) -> str:
    """What the numbers of a view's cells are; empty where they are the tensor's own values."""
    return getattr(view, "unit", "")


def is_deep(view: View) -> bool:
    """Whether a view's layouts have a depth."""
    return bool(getattr(view, "deep", False))


def spacious(view: View) -> SpaceView | None:
    """The view, if its pictures have three dimensions."""
    return cast("SpaceView", view) if dimensions(view) == 3 else None


def home(view: View, layout: Layout) -> Camera3D:
    """Where pictures of three dimensions are looked at from at first, but for the distance."""
    found: Callable[[Layout], Camera3D] | None = getattr(view, "home", None)
    return Camera3D() if found is None else found(layout)


def arranger(view: View) -> ArrangingView | None:
    """The view, if its settings decide on the layout."""
    return cast("ArrangingView", view) if hasattr(view, "arranged") else None


def sheeted(view: View) -> SheetView | None:
    """The view, if its cells lie on a grid of their own."""
    return cast("SheetView", view) if hasattr(view, "sheet") else None


def grid_of(view: View, layout: Layout, settings: Settings) -> tuple[int, int]:
    """Rows and columns of a view's pictures of two dimensions."""
    sheet = sheeted(view)
    return layout.grid if sheet is None else sheet.sheet(layout, settings)


def find_space_view(name: str) -> SpaceView:
    """The view of that name, which makes pictures of three dimensions.

    Raises
    ------
    NnscopeError
        If there is none, or its pictures have two.
    """
    view = spacious(find_view(name))
    if view is None:
        raise NnscopeError("The pictures of this view have two dimensions.", name)
    return view


def _names() -> list[str]:
    return list(dict.fromkeys((*_OURS, *loaded_plugins().registry.views)))
