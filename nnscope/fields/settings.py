"""What a fit is asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nnscope.core.errors import NnscopeError
from nnscope.fields.parameters import COVARIANCES

if TYPE_CHECKING:
    from nnscope.fields.parameters import Amplitude, Covariance

Start = Literal["octree", "peaks", "random"]
Densify = Literal["gradient", "error"]

_TRAINING = 6  # views to each one that is held out

ELEVATIONS = (-20.0, 0.0, 20.0)
"""Of the rings of cameras, in degrees."""

STARTS: tuple[Start, ...] = ("octree", "peaks", "random")
DENSIFY: tuple[Densify, ...] = ("gradient", "error")


@dataclass(frozen=True, slots=True)
class Rates:
    """Step lengths of Adam at the start of a fit; they fall to a tenth towards its end.

    Attributes
    ----------
    means : float
        In mean standard deviations of the Gaussians that the fit starts from.
    chol : float
        Of exponentiated numbers; the others of L move by this times the same standard deviation.
    amplitudes : float
    """

    means: float = 0.05
    chol: float = 0.03
    amplitudes: float = 0.03


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How a field is fitted.

    Attributes
    ----------
    gaussians : int
        Most Gaussians at any time.
    steps : int
    seed : int
        The same seed gives the same field.
    start : {"octree", "peaks", "random"}
        Where Gaussians begin: on leaves of the octree, on local maxima of the magnitude, or anywhere.
    amplitude : {"sigmoid", "identity"} or None
        None for a sigmoid where no value is negative.
    covariance : {"full", "diagonal"}
    rates : Rates
    batch : int
        Samples of a step, a regular lattice from a random first one; 0 for all.
    densify : {"gradient", "error"}
        Where Gaussians are added: where the averaged positional gradient is high, or the error under them.
    adapt_every : int
        Steps between adding and removing Gaussians, up to two thirds of the fit; 0 for never.
    patience : int
        Steps after which a fit ends that has not gained a thousandth in loss; 0 for never.
    cutoff : float
        As in `nnscope.fields.evaluate`.

    Raises
    ------
    NnscopeError
        If one of them makes no sense.
    """

    gaussians: int = 256
    steps: int = 500
    seed: int = 0
    start: Start = "octree"
    amplitude: Amplitude | None = None
    covariance: Covariance = "full"
    rates: Rates = Rates()
    batch: int = 0
    densify: Densify = "error"
    adapt_every: int = 100
    patience: int = 0
    cutoff: float = 4.5

    def __post_init__(self) -> None:
        for name, least in (("gaussians", 1), ("steps", 0), ("batch", 0), ("adapt_every", 0), ("patience", 0)):
            if getattr(self, name) < least:
                raise NnscopeError(f"{name} of a fit is at least {least}.", str(getattr(self, name)))
        for name, known in (("start", STARTS), ("covariance", COVARIANCES), ("densify", DENSIFY)):
            if getattr(self, name) not in known:
                raise NnscopeError(f"{name} of a fit is {' or '.join(known)}.", str(getattr(self, name)))
        if not self.cutoff > 0:
            raise NnscopeError("The cut-off of a fit is above 0.", str(self.cutoff))


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """Which views, and how pictures are made of Gaussians.

    Attributes
    ----------
    views : int
        Cameras, evenly over the rings.
    held_out : int
        How many of them are not fitted.
    elevations : tuple of float
        Of the rings, in degrees.
    size : int
        Width and height of the pictures in pixels.
    beta : float
        Sharpness of the soft maximum that is fitted; infinite for the maximum itself, which is what is judged.
    per_step : int
        Views that a step looks at.

    Raises
    ------
    NnscopeError
        If no view is left to fit or to hold out.
    """

    views: int = 60
    held_out: int = 10
    elevations: tuple[float, ...] = ELEVATIONS
    size: int = 64
    beta: float = math.inf
    per_step: int = 1

    @classmethod
    def of(cls, views: int) -> ViewSettings:
        """So many views, a sixth of them held out."""
        return cls(views=views, held_out=max(1, round(views / _TRAINING)))

    def __post_init__(self) -> None:
        if not 0 < self.held_out < self.views:
            raise NnscopeError(
                "Some views are fitted and some held out.", f"{self.held_out} of {self.views}", "Ask for more views."
            )
        if self.size < 1 or self.per_step < 1 or not self.elevations or not self.beta > 0:
            raise NnscopeError("Pictures have pixels, a ring and a sharpness above 0.", f"size {self.size}")
