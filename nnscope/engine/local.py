"""The engine over tensors of this process: worker threads answer requests about one source.

Three pools, so that nobody waits behind something longer: *prompt* for what must come within a frame (probes, small
reads, listings), *quick* for what a person watches come (tiles, labelled samples, small tensors), *slow* for exact
passes over large tensors and decompositions.
"""

from __future__ import annotations

import os
import threading
import traceback
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal

from nnscope.core.errors import Cancelled, Failure, NnscopeError
from nnscope.core.priority import NICE, give_way
from nnscope.core.request import Analyse, BuildPicture, BuildSpace, GetBranches, GetSpectrum, GetStats
from nnscope.engine.answers import answer
from nnscope.engine.context import Context
from nnscope.engine.protocol import Job
from nnscope.store.memo import Memo
from nnscope.views.tiling import base_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from nnscope.core.answer import Changed, Progress
    from nnscope.core.request import Request
    from nnscope.sources.base import Source

MEMO_BUDGET = 256 << 20  # bytes of pyramids, statistics and small results per engine
POOLS = {"prompt": 1, "quick": 1 if (os.cpu_count() or 1) <= 2 else 2, "slow": 1}  # threads of each
SMALL = 1 << 22  # elements up to which any pass counts as quick


class LocalEngine:
    """Answers requests about ``source`` in worker threads.

    Parameters
    ----------
    source : Source
        Owned by the engine from now on: closed with it.
    inline : bool
        Answer within `submit`, in the caller's thread (scripts and tests).
    """

    notices: ClassVar[SignalInstance] = Signal(object)  # type: ignore[assignment]

    def __init__(self, source: Source, inline: bool = False) -> None:
        self.source = source
        self.memo = Memo(MEMO_BUDGET)
        self._closed = False
        self._lock = threading.Lock()
        self._running: dict[int, Job] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._inline = inline
        if not inline:
            self._pools = {
                name: ThreadPoolExecutor(count, f"nnscope-{name}", give_way, (NICE[name],))
                for name, count in POOLS.items()
            }

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Start answering ``request``; never blocks unless the engine is inline."""
        job = Job(request)
        if self._closed:
            job.future.set_result(Failure("This source is closed.", code="closed"))
        elif self._inline:
            self._run(job, on_progress)
        else:
            with self._lock:
                self._running[id(job)] = job
            self._pools[self._pool(request)].submit(self._run, job, on_progress)
        return job

    def announce(self, changed: Changed) -> None:
        """Tell whoever listens that tensors changed (live sources)."""
        self.notices.emit(changed)

    def close(self) -> None:
        """Cancel what runs, end the threads, close the source. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with self._lock:
            running = list(self._running.values())
        for job in running:
            job.cancel()
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        self.memo.clear()
        self.source.close()

    def _pool(self, request: Request) -> str:
        if isinstance(request, (GetSpectrum, GetBranches, Analyse)):
            return "slow"
        if not isinstance(request, (GetStats, BuildPicture, BuildSpace)):
            return "prompt"
        return "slow" if request.exact and self._is_long(request) else "quick"

    def _is_long(self, request: GetStats | BuildPicture | BuildSpace) -> bool:
        """Whether answering means a pass over a large tensor."""
        try:
            info = self.source.reader(request.address).info
        except NnscopeError:
            return False
        if isinstance(request, BuildPicture) and request.level < base_level(request.layout.grid):
            return False
        return info.size > SMALL

    def _run(self, job: Job, on_progress: Callable[[Progress], None] | None) -> None:
        try:
            if job.cancelled.is_set() or not job.future.set_running_or_notify_cancel():
                return
            result = self._answer(job, on_progress)
            with suppress(CancelledError):
                job.future.set_result(result)
        finally:
            with self._lock:
                self._running.pop(id(job), None)

    def _answer(self, job: Job, on_progress: Callable[[Progress], None] | None) -> Any:
        context = Context(self.source, self.memo, job.cancelled, on_progress)
        try:
            return answer(context, job.request)
        except Cancelled:
            return Failure("Cancelled.", code="cancelled")
        except NnscopeError as error:
            return Failure.of(error, traceback.format_exc())
        except MemoryError as error:
            return Failure(
                "There is not enough memory for this.",
                getattr(job.request, "address", ""),
                "Close other sources, or look at a part of the tensor.",
                "memory",
                repr(error),
            )
        except Exception as error:  # an engine answers every request; the traceback goes into the details
            return Failure.of(error, traceback.format_exc())
