"""Which pictures an animation has: through the steps of a recorded run, around a picture in space, or both at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    import numpy as np

TURN = 150  # pictures of an orbit where nothing else says how many
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture.

    Attributes
    ----------
    step : int or None
        At which it was kept; None for a tensor without steps.
    turn : float
        Degrees by which the camera has gone around to the right.
    """

    step: int | None = None
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Motion:
    """What moves.

    Attributes
    ----------
    first, last : int or None
        Steps of a run to begin and to end with, both shown; None for all from the beginning, or up to the end.
    stride : int
        Every so many of the steps at which the tensor was kept.
    frames : int or None
        How many pictures, the steps spread over them evenly; None for one each.
    orbit : bool
        Whether the camera goes around once, as often as there are pictures.
    """

    first: int | None = None
    last: int | None = None
    stride: int = 1
    frames: int | None = None
    orbit: bool = False

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise NnscopeError(f"Every {self.stride}th step can't be.", remedy="Count from 1.")
        if self.frames is not None and not 1 <= self.frames <= MOST:
            raise NnscopeError(f"An animation of {self.frames} pictures can't be.", remedy=f"Choose 1 to {MOST}.")


def shots(kept: np.ndarray, motion: Motion) -> list[Shot]:
    """The pictures, in order.

    Parameters
    ----------
    kept : ndarray of int64
        Rising steps at which the tensor was kept; empty for one without steps.
    motion : Motion

    Raises
    ------
    NnscopeError
        If nothing moves, or nothing was kept at the steps asked for.
    """
    steps = chosen(kept, motion)
    if not (steps or motion.orbit):
        raise NnscopeError(
            "Nothing moves in a picture of one tensor.", remedy="Take one of a recorded run, or let the camera orbit."
        )
    count = motion.frames or (max(len(steps), TURN) if motion.orbit else len(steps))
    turn = 360.0 / count if motion.orbit else 0.0
    return [Shot(steps[at * len(steps) // count] if steps else None, at * turn) for at in range(count)]


def chosen(kept: np.ndarray, motion: Motion) -> list[int]:
    """The steps asked for, of those at which a tensor was kept."""
    low, high = motion.first, motion.last
    inside = [int(step) for step in kept if (low is None or step >= low) and (high is None or step <= high)]
    if len(kept) and not inside:
        raise NnscopeError(
            "The tensor was not kept at any of these steps.", remedy=f"It was from step {kept[0]} to {kept[-1]}."
        )
    return inside[:: motion.stride]
