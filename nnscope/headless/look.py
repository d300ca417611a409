"""How a picture is to look: what the command line's options and the arguments of `Tensor.render` say."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

from nnscope.core.cut import AXES
from nnscope.core.cut import REDUCTIONS as SLABS
from nnscope.core.errors import NnscopeError
from nnscope.core.space import INTERPOLATIONS, MODES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nnscope.core.request import Scalar, Settings

NORMALISATIONS = ("linear", "minmax", "zscore", "robust", "log", "tanh")
REDUCTIONS = ("mean", "extremes", "variance", "min", "max")
THEMES = ("dark", "light")
PROJECTIONS = ("perspective", "orthographic")
LARGEST_SIDE = 16_384  # pixels: what software and hardware drivers alike draw at once
LARGEST_PICTURE = 1 << 26  # pixels


class OptionError(NnscopeError, ValueError):
    """A way of looking that does not exist."""


class LookOptions(TypedDict, total=False):
    """The fields of `Look`, for keyword arguments."""

    view: str
    size: tuple[int, int]
    scientific: bool
    colours: str
    normalisation: str
    limits: tuple[float, float] | None
    reduction: str
    rows: tuple[int, ...] | None
    cols: tuple[int, ...] | None
    depth: tuple[int, ...] | None
    theme: str
    scale: float
    exact: bool
    camera: tuple[float, float, float] | None
    mode: str
    interpolation: str
    projection: str
    gain: float
    cut: tuple[str, int, int, str] | None
    threshold: float | None
    settings: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is to look.

    Attributes
    ----------
    view : str
        ``"heatmap"`` or ``"rgb"``, or a plugin's.
    size : (int, int)
        Width and height in pixels.
    scientific : bool
        Leave every aesthetic step out.
    colours : str
        Colour map; empty for the default of the data (diverging when both signs occur).
    normalisation : str
        One of `NORMALISATIONS`; empty for the default: linear in scientific mode, else tanh.
    limits : (float, float) or None
        Raw values at both ends of the colour scale; None for the normalisation's own domain.
    reduction : str
        One of `REDUCTIONS`: what a cell shows that stands for many values.
    rows, cols : tuple of int or None
        Axes along the rows and along the columns, outermost first; both or neither. The other axes are fixed.
    depth : tuple of int or None
        Axes along the depth of a picture of three dimensions, outermost first; only with rows and columns.
    theme : str
        One of `THEMES`.
    scale : float
        Device pixels per logical pixel: text and lines grow with it.
    exact : bool
        Read every value. Without it a large tensor may be shown from a labelled sample.
    camera : (float, float, float) or None
        Azimuth and elevation in degrees, and distance in diagonals of the volume, for a picture of three dimensions.
        None is where the window looks from at first.
    mode : str
        One of `MODES`: what such a picture makes of the values along a ray; empty for the default of the data.
    interpolation : str
        One of `INTERPOLATIONS`.
    projection : str
        One of `PROJECTIONS`.
    gain : float
        How strongly translucent colours absorb what is behind them, > 0.
    cut : (str, int, int, str) or None
        A slab that cuts a volume: the axis x, y or z that it lies across, its first index, its voxels through, and what
        it shows of them: ``"mean"``, ``"max"`` or ``"extremes"``. What is before it is left out.
    threshold : float or None
        Magnitude at which a volume's surface lies, or from which voxels are seen; None for one that stands out.
    settings : tuple of (name, value)
        The view's own, such as ``epsilon`` of voxels.
    """

    view: str = "heatmap"
    size: tuple[int, int] = (1280, 800)
    scientific: bool = False
    colours: str = ""
    normalisation: str = ""
    limits: tuple[float, float] | None = None
    reduction: str = "mean"
    rows: tuple[int, ...] | None = None
    cols: tuple[int, ...] | None = None
    depth: tuple[int, ...] | None = None
    theme: str = "dark"
    scale: float = 1.0
    exact: bool = True
    camera: tuple[float, float, float] | None = None
    mode: str = ""
    interpolation: str = "nearest"
    projection: str = "perspective"
    gain: float = 6.0
    cut: tuple[str, int, int, str] | None = None
    threshold: float | None = None
    settings: Settings = ()

    def __post_init__(self) -> None:
        if self.normalisation:
            _one_of("normalisation", self.normalisation, NORMALISATIONS)
        _one_of("reduction", self.reduction, REDUCTIONS)
        _one_of("theme", self.theme, THEMES)
        _check_size(*self.size)
        if self.mode:
            _one_of("mode", self.mode, MODES)
        _one_of("interpolation", self.interpolation, INTERPOLATIONS)
        _one_of("projection", self.projection, PROJECTIONS)
        if not 0 < self.gain < math.inf:
            raise OptionError(f"The gain {self.gain:g} is none.", remedy="Give a number above 0.")
        if self.cut is not None:
            _check_cut(*self.cut)
        if self.camera is not None:
            _check_camera(*self.camera)
        if self.limits is not None:
            _check_limits(*self.limits)
        if self.threshold is not None and not 0 <= self.threshold < math.inf:
            raise OptionError(f"The threshold {self.threshold:g} is no magnitude.", remedy="Give a number from 0 up.")
        if not 0.25 <= self.scale <= 16:
            raise OptionError(f"The scale {self.scale:g} is outside 0.25 … 16.")
        if self.depth is not None and self.rows is None:
            raise OptionError("Depth is given together with rows and columns.", remedy="Name the axes of all three.")
        if (self.rows is None) != (self.cols is None):
            raise OptionError("Rows and columns are given together.", remedy="Name the axes of both.")


def look(options: LookOptions) -> Look:
    """The `Look` of keyword arguments.

    Raises
    ------
    OptionError
        If an option or its value does not exist.
    """
    for name in options:
        _one_of("option", name, [field.name for field in fields(Look)])
    given: dict[str, Any] = dict(options)
    given["settings"] = tuple(sorted(dict(given.get("settings", {})).items()))
    return Look(**given)


def _one_of(what: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise OptionError(f"There is no {what} {value!r}.", remedy=f"There are: {', '.join(choices)}.")


def _check_size(width: int, height: int) -> None:
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE and width * height <= LARGEST_PICTURE):
        raise OptionError(
            f"A picture of {width}x{height} can't be made.",
            remedy=f"Sides are 1 to {LARGEST_SIDE} pixels, {LARGEST_PICTURE >> 20} megapixels at most.",
        )


def _check_cut(axis: str, index: int, thickness: int, reduction: str) -> None:
    _one_of("axis", axis, tuple(AXES))
    _one_of("reduction of slabs", reduction, SLABS)
    if index < 0 or thickness < 1:
        raise OptionError(
            f"There is no slab of {thickness} voxels from {index} on.", remedy="Count from 0; one voxel at least."
        )


def _check_camera(azimuth: float, elevation: float, distance: float) -> None:
    if not (math.isfinite(azimuth) and -90 <= elevation <= 90 and 1e-3 <= distance <= 100):
        raise OptionError(
            f"There is no camera {azimuth:g}, {elevation:g}, {distance:g}.",
            remedy="Give azimuth, elevation from -90 to 90 degrees, and distance from 0.001 to 100 diagonals.",
        )


def _check_limits(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(
            f"The limits {low:g}, {high:g} are no range.", remedy="Give two finite numbers, the lower first."
        )
