"""Settings of pictures of attention, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.views.setting import Setting, chosen

if TYPE_CHECKING:
    from nnscope.core.request import Settings

MODES = ("plain", "residual", "sink-excluded")
OPTIONS = (
    Setting("show", "heads", choices=("heads", "head", "mean", "rollout"), title="Show"),
    Setting("layer", 0, 0, title="Layer"),
    Setting("head", 0, 0, title="Head"),
    Setting("recursion", "none", choices=("none", *MODES), title="Recursion"),
    Setting("squarings", 2, 0, 20, title="Squarings"),
    Setting("symmetrised", False, title="Symmetrised"),
    Setting("order", "sequence", choices=("sequence", "fiedler"), title="Order"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The settings of a picture of attention, checked."""

    show: str
    layer: int
    head: int
    recursion: str
    squarings: int
    symmetrised: bool
    order: str

    @property
    def plain(self) -> bool:
        """Whether what is shown is the tensor as it is."""
        return self.show in ("heads", "head") and self.recursion == "none" and not (self.symmetrised or self.reordered)

    @property
    def reordered(self) -> bool:
        """Whether tokens are in another order."""
        return self.order == "fiedler"


def options_of(settings: Settings) -> Options:
    """The settings, checked."""
    values: dict[str, Any] = chosen(OPTIONS, settings)
    return Options(**values)
