"""What the user wants to see, as frozen values: every change makes a new one, so undo is a list of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nnscope.core.space import SpaceLook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nnscope.core.frame import Camera2D
    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings
    from nnscope.core.space import Camera3D


@dataclass(frozen=True, slots=True)
class PaneState:
    """What one pane shows.

    Attributes
    ----------
    source : str
        Key of an open source in the library; empty for an empty pane.
    address : str
        Listed name of the tensor.
    view : str
        Name in the view registry.
    layout : Layout or None
        None for the view's default.
    reduction : str
        What a zoomed-out cell shows: ``"mean"``, ``"extremes"``, ``"variance"``, ``"min"`` or ``"max"``.
    normalisation : str
        Name from methods.md §2; empty for the default of the mode (linear in scientific mode, else tanh).
    limits : (float, float) or None
        Raw values at both ends of the colour scale; None for the normalisation's default domain.
    colours : str
        Colour map; empty for the default of the data (diverging when signed).
    settings : Settings
        The view's own settings.
    camera : Camera2D or None
        None fits the picture into the pane.
    pin : (int, int), (int, int, int) or None
        Level-0 cell (row, column) that was clicked; with the depth as a third in a picture of three dimensions.
    orbit : Camera3D or None
        Where a picture of three dimensions is seen from; None shows all of it.
    space : SpaceLook
        What such a picture makes of the values along a ray.
    each_step : bool
        Of a recorded run: the colour domain is that of each step alone, not of all steps.
    step : int or None
        Of a recorded run: the step at which the pane stays; None for the one that is chosen for the run.
    minus : int or None
        Of a recorded run: the step whose values are subtracted; None shows the values themselves.
    beside : str
        Key of the source that it is compared with: the colours are those of both; empty for none.
    stands_in : (str, str)
        A view, and the one that was chosen and is not for this tensor; of no meaning unless ``view`` is the first.
    """

    source: str = ""
    address: str = ""
    view: str = "heatmap"
    layout: Layout | None = None
    reduction: str = "mean"
    normalisation: str = ""
    limits: tuple[float, float] | None = None
    colours: str = ""
    settings: Settings = ()
    camera: Camera2D | None = None
    pin: tuple[int, ...] | None = None
    orbit: Camera3D | None = None
    space: SpaceLook = field(default_factory=SpaceLook)
    each_step: bool = False
    step: int | None = None
    minus: int | None = None
    beside: str = ""
    stands_in: tuple[str, str] = ("", "")

    def showing(self, source: str, address: str) -> PaneState:
        """The same ways of looking at another tensor: what depends on its shape or values is reset."""
        places = {"layout": None, "limits": None, "camera": None, "pin": None, "orbit": None}
        moments = {"step": None, "minus": None, "beside": ""}
        return replace(self, source=source, address=address, **places, **moments)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """All panes, and what they share.

    Attributes
    ----------
    panes : tuple of PaneState
        One to four.
    active : int
        The pane that the inspector and the keyboard speak of.
    scientific : bool
        Leave every aesthetic step out.
    linked : bool
        One cursor for all panes, and one camera for those with pictures of the same grid.
    steps : tuple of (str, int)
        Source and step, for recorded runs that are not shown at their newest.
    """

    panes: tuple[PaneState, ...] = (PaneState(),)
    active: int = 0
    scientific: bool = False
    linked: bool = True
    steps: tuple[tuple[str, int], ...] = ()

    @property
    def pane(self) -> PaneState:
        """The active pane."""
        return self.panes[self.active]

    def step_of(self, source: str) -> int | None:
        """The step at which a run is shown; None for its newest."""
        return dict(self.steps).get(source)

    def at_step(self, source: str, step: int | None) -> WorkspaceState:
        """This state with a run at a step; None for its newest."""
        others = tuple(entry for entry in self.steps if entry[0] != source)
        return replace(self, steps=others if step is None else (*others, (source, step)))

    def with_pane(self, index: int, **changes: Any) -> WorkspaceState:
        """This state with fields of one pane replaced."""
        panes = list(self.panes)
        panes[index] = replace(panes[index], **changes)
        return replace(self, panes=tuple(panes))

    def with_panes(self, indices: Iterable[int], **changes: Any) -> WorkspaceState:
        """This state with fields of several panes replaced: a camera they share."""
        chosen = set(indices)
        panes = tuple(replace(p, **changes) if i in chosen else p for i, p in enumerate(self.panes))
        return replace(self, panes=panes)
