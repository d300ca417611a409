"""Requests: data that an engine answers where the tensor lives.

Every request is frozen and hashable, holds only plain values, and travels unchanged over the channel to a model
process. The answer's type is named beside each; any request may be answered by a `Failure` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.core.layout import Layout

Scalar = str | int | float | bool | None
Settings = tuple[tuple[str, Scalar], ...]
Region = tuple[tuple[int, int, int], ...]  # per axis: start, stop, step (step ≥ 1)


@dataclass(frozen=True, slots=True)
class ListTensors:
    """What the source holds. Answer: `Listing`."""


@dataclass(frozen=True, slots=True)
class GetStats:
    """Statistics of a tensor. Answer: `TensorStats`.

    ``exact=False`` allows a labelled sample (`TensorStats.sampled`) so that the answer comes at once; otherwise
    every element is read.

    ``all_steps`` of a recorded run's tensor: over all steps at which it was recorded (`compute.statistics.pooled`).
    """

    address: str
    exact: bool = True
    all_steps: bool = False


@dataclass(frozen=True, slots=True)
class BuildPicture:
    """Some tiles of a view of a tensor. Answer: `TilePicture`.

    Attributes
    ----------
    address, layout, view, settings
        Which tensor, how its axes are laid out, which view (a name of the view registry), and the view's own
        settings as sorted (name, value) pairs.
    scientific : bool
        Leave aesthetic steps out.
    level : int
        Pyramid level: a cell covers 2**level × 2**level cells of the layout's grid.
    tiles : tuple of (row, column)
        Tiles wanted at that level, each `TILE` × `TILE` cells.
    exact : bool
        Without it, coarse levels of a very large tensor may come from a labelled sample.
    """

    address: str
    layout: Layout
    view: str = "heatmap"
    settings: Settings = ()
    scientific: bool = False
    level: int = 0
    tiles: tuple[tuple[int, int], ...] = ((0, 0),)
    exact: bool = True


@dataclass(frozen=True, slots=True)
class BuildSpace:
    """A picture of three dimensions of a tensor. Answer: a `SpacePicture` of the kind that the view builds.

    Attributes
    ----------
    address, layout, view, settings, scientific, exact
        As in `BuildPicture`.
    level : int
        The smallest parts of the picture cover 2**level cells of the layout along each axis.
    """

    address: str
    layout: Layout
    view: str = "volume"
    settings: Settings = ()
    scientific: bool = False
    level: int = 0
    exact: bool = True


@dataclass(frozen=True, slots=True)
class ReadRegion:
    """Raw values of a region. Answer: `Values`. Engines refuse more than 64 MiB at once."""

    address: str
    region: Region


@dataclass(frozen=True, slots=True)
class Probe:
    """What hovering shows at one cell of a picture. Answer: `ProbeAnswer`.

    ``row`` and ``col`` count cells of ``level``; the view tells what a cell stands for.
    """

    address: str
    layout: Layout
    row: int
    col: int
    level: int = 0
    view: str = "heatmap"
    settings: Settings = ()


@dataclass(frozen=True, slots=True)
class ProbeSpace:
    """What hovering shows at a place of a picture of three dimensions. Answer: `ProbeAnswer`.

    Attributes
    ----------
    place : tuple of int
        Of level 0: (row, column), or (row, column, depth) in layouts with a depth.
    level : int
        The part of the picture that is seen there covers 2**level cells along each axis, from a multiple of that.
    settings : Settings
        Those that the picture was built with.
    """

    address: str
    layout: Layout
    place: tuple[int, ...]
    level: int = 0
    view: str = "volume"
    settings: Settings = ()


@dataclass(frozen=True, slots=True)
class GetSpectrum:
    """The largest ``k`` singular values of the tensor seen as a matrix (methods.md §8). Answer: `Spectrum`.

    ``complete`` asks for a full decomposition, which exponents and effective ranks need, of larger matrices too.
    """

    address: str
    k: int = 16
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Analyse:
    """A method of the compute core, applied to a tensor where it lives. Answer: `Analysis`.

    Attributes
    ----------
    address : str
    method : str
        A name of the registry of analyses, such as ``"attention-recursion"``.
    settings : tuple of (name, value)
        The method's own, sorted by name; what is left out has its default.
    """

    address: str
    method: str
    settings: Settings = ()


@dataclass(frozen=True, slots=True)
class GetBranches:
    """The residual branches of a whole model, and what each weighs (methods.md §14). Answer: `Branches`.

    Norms are those of weights, or with ``activations`` of what a live model's branches add.
    """

    activations: bool = False


@dataclass(frozen=True, slots=True)
class GetInfo:
    """The listing's entry of one tensor, also of one that is not listed: of a run at a step. Answer: `TensorInfo`."""

    address: str


@dataclass(frozen=True, slots=True)
class GetSeries:
    """Numbers over the steps of a recorded run. Answer: `Series`.

    Attributes
    ----------
    address : str
        A tensor, for a field of its statistics; empty for a number that was given to ``step``.
    name : str
        Of the field (``"std"`` and ``"frobenius"`` too) or number. ``"level"`` of a tensor gives the pyramid level at
        which it was kept, at the steps at which it was; an empty name without a tensor gives every step, with its time
        in seconds since the epoch.
    start : int
        Leave out so many at the beginning, which are known already: a run only grows at its end, but for ``"level"``,
        as frames are thinned.
    """

    address: str
    name: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """A command to a live model. Answer: `ControlAnswer`.

    Commands: ``"sample"`` (argument ``index``: run that sample input), ``"train"`` (train from scratch, until
    the model's own schedule ends or ``"stop"``; recorded in ``folder`` if one is given; the answer's ``run`` says where
    to attach), ``"stop"``.
    """

    command: str
    arguments: Settings = ()


Request = (
    ListTensors
    | GetStats
    | BuildPicture
    | BuildSpace
    | ReadRegion
    | Probe
    | ProbeSpace
    | GetSpectrum
    | Analyse
    | GetBranches
    | GetInfo
    | GetSeries
    | Control
)
