"""What every picture of three dimensions has, whatever it is made of: voxels, leaves of a tree, a surface.

A kind of picture is a frozen dataclass of its own (`nnscope.core.volume.VolumePicture` is one) that a view builds where
the tensor lives. It travels over the channel, so it is listed in `nnscope.engine.wire`; the renderer finds the visual
that draws it by its type (`nnscope.render.spaces`); all else that is peculiar to a kind is said by its view
(`nnscope.views.base.SpaceView`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.picture import Step

Bounds = tuple[float, float, float]  # depth, height and width of the box that a picture fills: along z, y and x
Corner = tuple[float, float, float]  # (x, y, z)


def array_bytes(*arrays: np.ndarray | None) -> int:
    """Bytes of those that there are: what a picture's ``nbytes`` tells."""
    return sum(int(array.nbytes) for array in arrays if array is not None)


def finest_told(level: int) -> tuple[str, ...]:
    """What the legend says of the finest level that a picture of this size has; nothing where that is every value."""
    return (f"shown at 1/{2**level}, the finest that fits; the pointer tells exact values",) if level else ()


class SpacePicture(Protocol):
    """A picture of three dimensions."""

    @property
    def address(self) -> str:
        """What is shown."""
        ...

    @property
    def view(self) -> str:
        """Name of the view that built it."""
        ...

    @property
    def layout(self) -> Layout:
        """How the tensor's axes are laid out."""
        ...

    @property
    def version(self) -> int:
        """Content version of the tensor."""
        ...

    @property
    def level(self) -> int:
        """Its smallest parts stand for up to 2**level cells of the layout along each axis."""
        ...

    @property
    def reduction(self) -> str:
        """What a part of a level above 0 holds; empty when nothing was reduced."""
        ...

    @property
    def recipe(self) -> tuple[Step, ...]:
        """The ordered steps from the tensor to these arrays, before colour."""
        ...

    @property
    def sampled(self) -> float:
        """Share of the elements that was looked at; 1.0 means exact."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the legend."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        ...

    @property
    def bounds(self) -> Bounds:
        """The box that it fills, from (0, 0, 0): its view's `bounds` for its layout and settings."""
        ...

    def box_of(self, place: tuple[int, ...], size: int) -> tuple[Corner, Corner]:
        """The least and the greatest corner of ``size`` cells along each axis from a place of level 0.

        ``place`` is (row, column), or (row, column, depth) in layouts with a depth.
        """
        ...


@dataclass(frozen=True, slots=True)
class Picked:
    """What is seen at a pixel.

    Attributes
    ----------
    place : tuple of int
        Of level 0: (row, column), or (row, column, depth) in layouts with a depth.
    level : int
        The part of the picture that holds it covers up to 2**level cells along each axis, from a multiple of that.
    note : str
        What else the picture tells of it, for the line that hovering shows.
    """

    place: tuple[int, ...]
    level: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a picture becomes pixels, in words.

    Attributes
    ----------
    step : Step
        The step of the recipe between the picture's own and the colours.
    unit : str
        What the colour scale's numbers are.
    notes : tuple of str
        Sentences for the legend, before those of the picture.
    """

    step: Step
    unit: str = "raw value"
    notes: tuple[str, ...] = ()
