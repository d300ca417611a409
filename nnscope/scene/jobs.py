"""Requests on their way to engines: sent, listed with their progress, cancelled, and their answers brought back.

Engines answer from threads of their own; everything a caller gives here runs where ``post`` runs it: on the window's
thread, or at once in a script.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request
    from nnscope.engine.protocol import Engine, Job


@dataclass(slots=True, eq=False)
class JobInfo:
    """A job as people see it: what it does, how far it is, and a way to stop it.

    Attributes
    ----------
    id : int
    text : str
    done, total : int
        Units of work; total 0 when unknown.
    started : float
        `time.monotonic` seconds.
    """

    id: int
    text: str
    source: str
    job: Job | None = None
    done: int = 0
    total: int = 0
    started: float = field(default_factory=time.monotonic)

    def cancel(self) -> None:
        """Stop it; its answer is dropped."""
        if self.job is not None:
            self.job.cancel()


class JobBoard:
    """All requests on their way.

    Parameters
    ----------
    post : callable
        Runs a function on the window's thread.
    changed : callable
        Called there whenever the list or a progress changed.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None], changed: Callable[[], None]) -> None:
        self._post = post
        self._changed = changed
        self._ids = itertools.count(1)
        self._jobs: dict[int, JobInfo] = {}

    @property
    def infos(self) -> list[JobInfo]:
        """Jobs under way, oldest first."""
        return list(self._jobs.values())

    def send(self, engine: Engine, request: Request, text: str, source: str, then: Callable[[Any], None]) -> JobInfo:
        """Submit ``request``; ``then`` gets the answer or `Failure`, and nothing after a cancel."""
        info = JobInfo(next(self._ids), text, source)
        self._jobs[info.id] = info

        def progress(step: Progress) -> None:
            self._post(lambda: self._advance(info, step))

        info.job = engine.submit(request, progress)
        info.job.future.add_done_callback(lambda future: self._post(lambda: self._finish(info, future, then)))
        self._changed()
        return info

    def cancel_source(self, source: str) -> None:
        """Stop every job of a source."""
        for info in self.infos:
            if info.source == source:
                info.cancel()

    def _advance(self, info: JobInfo, step: Progress) -> None:
        if info.id in self._jobs:
            info.done, info.total = step.done, step.total
            self._changed()

    def _finish(self, info: JobInfo, future: Future[Any], then: Callable[[Any], None]) -> None:
        self._jobs.pop(info.id, None)
        self._changed()
        if future.cancelled():
            then(Failure("Cancelled.", code="cancelled"))
        else:
            then(future.result())
