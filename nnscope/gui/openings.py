"""Sources that were asked for and are not there yet, as jobs that can be seen and cancelled."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.scene.controller import Controller


@dataclass(frozen=True, slots=True)
class Opening:
    """Looks like `nnscope.scene.jobs.JobInfo`; how long opening takes is not known."""

    text: str
    started: float
    cancel: Callable[[], None]
    done: int = 0
    total: int = 0


class Openings:
    """Remembers what the user asked for until it is listed, fails or is cancelled."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._wanted: dict[str, float] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._wanted

    def add(self, key: str) -> None:
        """The source was asked for."""
        self._wanted.setdefault(key, time.monotonic())

    def drop(self, key: str) -> None:
        """It is there, or not wanted any more."""
        self._wanted.pop(key, None)

    def jobs(self) -> list[Opening]:
        """What is still being opened. A key for which nothing is under way has failed, and is forgotten."""
        sources = self._controller.library.sources
        busy = {job.source for job in self._controller.jobs}
        for key in [k for k in self._wanted if not self._controller.is_opening(k) and k not in busy | sources.keys()]:
            del self._wanted[key]
        waiting = ((k, t) for k, t in self._wanted.items() if k not in sources)
        return [Opening(f"Opening {plain(key, 96)}", started, self._canceller(key)) for key, started in waiting]

    def _canceller(self, key: str) -> Callable[[], None]:
        def cancel() -> None:
            self.drop(key)
            self._controller.close_source(key)

        return cancel
