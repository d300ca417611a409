"""Which flushes of a run are lost, and which steps with them: those between the flushes that are whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Stretch:
    """Flushes ``first`` to ``last`` that can be read, and their least and greatest step."""

    first: int
    last: int
    least: int
    greatest: int


@dataclass(frozen=True, slots=True)
class Loss:
    """Flushes ``first`` to ``last`` that can't be read.

    Attributes
    ----------
    first, last : int
    after, before : int or None
        Greatest step of what is whole just before, least of what is whole just after; None where nothing is.
    until : int or None
        Greatest step of what is whole just after.
    overlaid : bool
        Whether such steps are whole elsewhere: a training that started over recorded them again.
    """

    first: int
    last: int
    after: int | None
    before: int | None
    until: int | None = None
    overlaid: bool = False

    @property
    def steps(self) -> str:
        """Which steps they held, as far as their neighbours tell, in words; empty where they don't.

        A look at tensors comes late, so that a neighbour may begin with a step whose numbers were before the loss: then
        all that is known is how far the loss goes at most.
        """
        if self.overlaid:
            return ""
        if self.after is None or self.before is None:
            sides = (("before", self.before), ("after", self.after))
            return next((f"steps {word} {step}" for word, step in sides if step is not None), "")
        low, high = self.after + 1, self.before - 1
        if low > high:
            return f"some of steps {low} to {self.until - 1}" if self.until is not None and self.until > low + 1 else ""
        return f"step {low}" if low == high else f"steps {low} to {high}"

    @property
    def sentence(self) -> str:
        """``Flushes 1 to 16 are lost: steps before 758 can't be read.``"""
        flushes = f"Flushes {self.first} to {self.last} are" if self.last > self.first else f"Flush {self.first} is"
        return f"{flushes} lost: {self.steps} can't be read." if self.steps else f"{flushes} lost."


def losses(whole: Sequence[Stretch], last: int) -> tuple[Loss, ...]:
    """What lies between stretches that are whole, in order, up to the flush ``last``."""
    found, at = [], 1
    before: Stretch | None = None
    for stretch in (*whole, None):
        first = last + 1 if stretch is None else stretch.first
        if first > at:
            ends = before.greatest if before else None, stretch.least if stretch else None
            until = stretch.greatest if stretch else None
            found.append(Loss(at, first - 1, *ends, until, _overlaid(whole, *ends)))
        if stretch is not None:
            at, before = stretch.last + 1, stretch
    return tuple(found)


def _overlaid(whole: Sequence[Stretch], after: int | None, before: int | None) -> bool:
    """Whether a stretch has steps between these two."""
    return any((before is None or s.least < before) and (after is None or s.greatest > after) for s in whole)
