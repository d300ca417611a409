"""The legend that every picture carries, and the normalisation it states (methods.md §2, §11)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Normalisation:
    """A pointwise map from raw value x to colour coordinate u in [0, 1].

    t = f((x − shift) / scale), u = (t − lo) / (hi − lo), with f one of ``"identity"``, ``"log"`` (sign(t)·log1p|t|) and
    ``"tanh"``. Values with u < 0 or u > 1 are under and over. Every normalisation of methods.md §2 has this form.

    Attributes
    ----------
    name : str
        ``"linear"``, ``"minmax"``, ``"zscore"``, ``"robust"``, ``"log"`` or ``"tanh"``.
    function : str
    shift, scale, lo, hi : float
        ``scale`` > 0; lo < hi in units of t.
    faithful : bool
    """

    name: str
    function: str
    shift: float
    scale: float
    lo: float
    hi: float
    faithful: bool = True

    def forward(self, x: float) -> float:
        """Colour coordinate u of a raw value."""
        return (self._f((x - self.shift) / self.scale) - self.lo) / (self.hi - self.lo)

    def inverse(self, u: float) -> float:
        """Raw value at colour coordinate u."""
        t = self.lo + u * (self.hi - self.lo)
        if self.function == "log":
            t = math.copysign(math.expm1(abs(t)), t)
        elif self.function == "tanh":
            t = math.atanh(min(max(t, -1 + 1e-12), 1 - 1e-12))
        return t * self.scale + self.shift

    @property
    def domain(self) -> tuple[float, float]:
        """The raw values at both ends of the colour scale."""
        return self.inverse(0.0), self.inverse(1.0)

    def _f(self, t: float) -> float:
        if self.function == "log":
            return math.copysign(math.log1p(abs(t)), t)
        return math.tanh(t) if self.function == "tanh" else t


@dataclass(frozen=True, slots=True)
class Legend:
    """What is written beside a picture, on screen and in every export.

    Attributes
    ----------
    title : str
        Address of what is shown.
    normalisation : Normalisation or None
        None for pictures that are colours already.
    unit : str
        ``"raw value"`` or the reduction's unit.
    reduction : str
        ``""`` at level 0, else such as ``"mean of 64×64"``.
    level : int
    clipped : float
        Share of the finite values outside the domain, in [0, 1].
    nan, posinf, neginf : int
        Counts over the whole tensor.
    scientific : bool
        The badge: SCIENTIFIC, else AESTHETIC when a step of the recipe is not faithful (see ``faithful``).
    faithful : bool
        Whether every step of the picture is.
    notes : tuple of str
    origin : str
        Which of several it is, where what is shown beside it has the same address; empty otherwise.
    opacity : tuple of float
        For equal parts of the colour scale, the share of the light that a mean side of the volume of that value hides;
        none where everything seen hides all.
    """

    title: str
    normalisation: Normalisation | None
    unit: str = "raw value"
    reduction: str = ""
    level: int = 0
    clipped: float = 0.0
    nan: int = 0
    posinf: int = 0
    neginf: int = 0
    scientific: bool = False
    faithful: bool = True
    notes: tuple[str, ...] = ()
    origin: str = ""
    opacity: tuple[float, ...] = ()
