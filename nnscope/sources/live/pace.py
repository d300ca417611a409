"""How often to record so that training keeps its speed.

Every look costs the training thread some time for copies, and costs another thread some for statistics, which on a
machine with few cores is taken from training too. Both are measured, and looks are spaced so that they take no more
than a stated share of the time between them.
"""

from __future__ import annotations

import time

SHARE = 0.03  # of the time, for all that recording does
AT_LEAST = 0.1  # seconds between two looks


class Pace:
    """When to look next.

    Parameters
    ----------
    every : int or None
        Look at each step that is a multiple of it; None to look as often as the share allows.
    share : float
    """

    def __init__(self, every: int | None, share: float = SHARE) -> None:
        self._every = every
        self._share = share
        self._next = 0.0
        self._cost = 0.0

    def is_due(self, step: int) -> bool:
        """Whether to look at this step."""
        return step % self._every == 0 if self._every else time.monotonic() >= self._next

    def looked(self, seconds: float) -> None:
        """A look took the training thread so long; the next one waits for its share, and for that of its statistics."""
        self._next = time.monotonic() + max(AT_LEAST, (seconds + self._cost) / self._share)

    def worked(self, seconds: float) -> None:
        """What another thread did about a look took so much processor time."""
        self._cost = max(seconds, 0.5 * self._cost)
