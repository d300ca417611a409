"""How often to record, and how fast, so that training keeps its speed.

A look costs the training thread some time for copies. Another thread makes statistics of them, and while Python runs
there, the training thread waits for the interpreter at each of its operations: a second of it is nearly a second lost.
So that thread rests after each piece of work, long enough that work is no more than a stated share of the time, and a
look begins only when the one before is done.
"""

from __future__ import annotations

import time

SHARE = 0.03  # of the time, for all that recording does
NICE = 10
AT_LEAST = 0.1  # seconds between two looks


class Pace:
    """When to look, and how long to rest.

    Parameters
    ----------
    every : int or None
        Look at each call that is a multiple of it, and don't rest; None to look as often as the share allows.
    share : float
        For all that recording does.

    Attributes
    ----------
    nice : int
        How far the recording thread steps back behind others; not at all where it is given more than it needs.
    """

    def __init__(self, every: int | None, share: float = SHARE) -> None:
        self._every = every
        self._share = share
        self.nice = NICE if share <= SHARE else 0
        self._next = 0.0
        self._under_way = False

    @property
    def is_fixed(self) -> bool:
        """Whether looks come at steps of a given distance."""
        return bool(self._every)

    def is_due(self, count: int) -> bool:
        """Whether to look at this call of `step`, the first being 0."""
        if self._every:
            return count % self._every == 0
        return not self._under_way and time.monotonic() >= self._next

    def looked(self, seconds: float) -> None:
        """A look took the training thread so long."""
        self._under_way = True
        self._next = time.monotonic() + max(AT_LEAST, seconds / self._share)

    def recorded(self) -> None:
        """The other thread is done with a look."""
        self._under_way = False

    def rest_after(self, seconds: float) -> float:
        """How long to rest after so many seconds of work."""
        return 0.0 if self._every else seconds * (1 / self._share - 1)
