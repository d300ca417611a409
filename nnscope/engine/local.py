"""The engine over tensors of this process: worker threads answer requests about one source.

Two pools, so that a hover never waits behind a pass over a billion values: *quick* for what a person waits for (tiles,
probes, listings, labelled samples), *slow* for exact passes over large tensors and decompositions.
"""

from __future__ import annotations

import threading
import traceback
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal

from nnscope.core.errors import Cancelled, Failure, NnscopeError
from nnscope.core.request import BuildPicture, GetSpectrum, GetStats
from nnscope.engine.answers import answer
from nnscope.engine.context import Context
from nnscope.engine.protocol import Job
from nnscope.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from nnscope.core.answer import Changed, Progress
    from nnscope.core.request import Request
    from nnscope.sources.base import Source

MEMO_BUDGET = 256 << 20  # bytes of pyramids, statistics and small results per engine
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
        self._pools: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        if not inline:
            self._pools = (
                ThreadPoolExecutor(2, thread_name_prefix="nnscope-quick"),
                ThreadPoolExecutor(1, thread_name_prefix="nnscope-slow"),
            )

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Start answering ``request``; never blocks unless the engine is inline."""
        job = Job(request)
        if self._closed:
            job.future.set_result(Failure("This source is closed.", code="closed"))
        elif self._pools is None:
            self._run(job, on_progress)
        else:
            with self._lock:
                self._running[id(job)] = job
            self._pools[self._is_slow(request)].submit(self._run, job, on_progress)
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
        for pool in self._pools or ():
            pool.shutdown(wait=True, cancel_futures=True)
        self.memo.clear()
        self.source.close()

    def _is_slow(self, request: Request) -> bool:
        if isinstance(request, GetSpectrum):
            return True
        if not isinstance(request, (GetStats, BuildPicture)) or not request.exact:
            return False
        with suppress(NnscopeError):
            info = self.source.reader(request.address).info
            if isinstance(request, BuildPicture) and 4**request.level * len(request.tiles) << 16 < SMALL:
                return False
            return info.size > SMALL
        return False

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
