"""What a Gaussian field is fitted to, and how it is shown beside its tensor. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.scene.state import PaneState

if TYPE_CHECKING:
    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.state import WorkspaceState

FEW, MANY = 16, 1000  # Gaussians that are proposed: an eighth of the bytes, within these
_NUMBERS = {2: 6, 3: 10}  # of a Gaussian


@dataclass(frozen=True, slots=True)
class FitPart:
    """The part of a tensor that a field is fitted to.

    Attributes
    ----------
    info : TensorInfo
    region : Region
        With one index along axes that the picture shows at one index.
    shape : tuple of int
        Of that part without axes of length 1 in front: (rows, columns) or (depth, rows, columns).
    """

    info: TensorInfo
    region: Region
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many values."""
        return math.prod(self.shape)

    @property
    def proposed(self) -> int:
        """How many Gaussians to begin with."""
        return min(self.size, max(FEW, min(MANY, self.size // (8 * _NUMBERS[len(self.shape)]))))


def part_of(resolved: Resolved) -> FitPart:
    """What a pane shows of its tensor.

    Raises
    ------
    NnscopeError
        If these are not two or three axes, or not real numbers.
    """
    info, layout = resolved.info, resolved.layout
    where = plain(info.address)
    if info.unreadable or info.dtype.startswith("complex") or not all(info.shape):
        raise NnscopeError("There are no real numbers to fit a field to.", where)
    split = layout.split[0] if layout.split is not None else info.ndim
    fixed = {a if a <= split else a - 1: i for a, i in layout.fixed}
    region = tuple((fixed[a], fixed[a] + 1, 1) if a in fixed else (0, n, 1) for a, n in enumerate(info.shape))
    shape = tuple(stop - start for start, stop, _ in region)
    long = [n for n in shape if n > 1]
    if not 2 <= len(long) <= 3:
        raise NnscopeError(
            "A field is over two or three axes.", f"{where} shows {len(long)}", "Fix others at an index in the layout."
        )
    return FitPart(info, region, tuple(long))


def compared(
    state: WorkspaceState, source: str, shape: tuple[int, ...], domain: tuple[float, float], seen: bool = False
) -> WorkspaceState:
    """Four linked panes: the tensor, its field in the same colours, what the field lacks, and its ellipses.

    Of a field that was fitted to views three: what it is between these was not asked for, so instead of its values
    and what they lack there are its splats, whose largest values are projections as those of the tensor are.

    Parameters
    ----------
    state : WorkspaceState
    source : str
        Key of the field's file, which keeps the tensor.
    shape : tuple of int
    domain : (float, float)
        Least and greatest value of the tensor.
    seen : bool
        Whether it was fitted to views.
    """
    view = "volume" if len(shape) == 3 else "heatmap"
    low, high = domain
    limits = (-max(-low, high), max(-low, high)) if low < 0 < high else (low, high)
    plainly = PaneState(source, "", view, normalisation="linear")
    same = replace(plainly, limits=limits if limits[0] < limits[1] else None)
    ellipses = PaneState(source, "field", "splats", settings=(("outlines", True),))
    if seen:
        splats = PaneState(source, "field", "splats", normalisation="linear", limits=same.limits)
        return replace(state, panes=(replace(same, address="target"), splats, ellipses), active=1, linked=True)
    panes = (
        replace(same, address="target"),
        replace(same, address="field"),
        replace(plainly, address="residual"),
        ellipses,
    )
    return replace(state, panes=panes, active=1, linked=True)
