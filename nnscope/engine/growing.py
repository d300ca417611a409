"""The engine over a run that is being recorded: a `LocalEngine` that tells what has come since the last look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscope.core.answer import Grown
from nnscope.engine.local import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request
    from nnscope.core.tensor import TensorInfo
    from nnscope.engine.protocol import Job
    from nnscope.sources.session import RunSource


class GrowingEngine:
    """Answers requests about a run, and tells of its growth.

    Parameters
    ----------
    source : RunSource
        Owned by the engine from now on.
    facts : callable
        What the training tells now, by name. Listed with the run, and told when it has changed.
    """

    def __init__(self, source: RunSource, facts: Callable[[], dict[str, Any]]) -> None:
        self._source = source
        self._facts = facts
        source.live = facts
        self._local = LocalEngine(source)
        self._told: dict[str, Any] = facts()
        self._infos = _by_address(source)
        self.notices: SignalInstance = self._local.notices

    def submit(self, request: Request, on_progress: Callable[[Progress], None] | None = None) -> Job:
        """Start answering ``request``; never blocks."""
        return self._local.submit(request, on_progress)

    def look(self) -> None:
        """Look for what has come, and tell of it. For one thread."""
        grown, facts = self._source.refresh(), self._facts()
        if not grown and facts == self._told:
            return
        before = self._infos
        if grown:
            self._infos = _by_address(self._source)
        anew = [info for info in self._infos.values() if before.get(info.address) != info]
        kept = tuple((info.address, info.version) for info in anew)
        reshaped = tuple(info for info in anew if _form(before.get(info.address)) != _form(info))
        self._told = facts
        self.notices.emit(Grown(self._source.newest_step, len(self._infos), kept, reshaped, tuple(facts.items())))

    def close(self) -> None:
        """End the threads, close the source. Idempotent."""
        self._local.close()


def _by_address(source: RunSource) -> dict[str, TensorInfo]:
    return {info.address: info for info in source.infos()}


def _form(info: TensorInfo | None) -> tuple[Any, ...]:
    return () if info is None else (info.shape, info.dtype)
