"""What a job may ask while it runs: readers, statistics, results kept before, and whether it is still wanted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import Progress
from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.engine.passes import SAMPLE, exact_stats, pack_stats, sampled_stats, unpack_stats
from nnscope.store.disk import user_cache

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager

    import numpy as np

    from nnscope.core.statistics import TensorStats
    from nnscope.sources.base import Source, TensorReader
    from nnscope.sources.residual import ResidualBlock
    from nnscope.store.memo import Memo
    from nnscope.views.base import Linear

WORTH_KEEPING = 0.5  # seconds from which a result goes to disk


class Context:
    """The `BuildContext` of one job, and what the other requests need."""

    def __init__(
        self,
        source: Source,
        memo: Memo,
        cancelled: threading.Event,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.source = source
        self._memo = memo
        self._cancelled = cancelled
        self._on_progress = on_progress

    def reader(self, address: str) -> TensorReader:
        """The tensor of that listed name.

        Raises
        ------
        NnscopeError
            If there is none or its values can't be shown.
        """
        reader = self.source.reader(address)
        if reader.info.unreadable:
            raise NnscopeError(reader.info.unreadable, address)
        return reader

    def stats(self, address: str, exact: bool = True) -> TensorStats:
        """Statistics of the whole tensor; a labelled sample when ``exact`` is False and the tensor is large."""
        reader = self.reader(address)
        recorded = self._recorded(reader)
        if recorded is not None:
            return recorded
        key = ("stats", address, reader.info.version)
        if not exact:
            found: TensorStats | None = self.peek(key)
            if found is not None:
                return found
            key = ("sampled-stats", address, reader.info.version)

        def compute() -> TensorStats:
            if not exact:
                return sampled_stats(self, reader)
            if reader.info.size <= SAMPLE:
                return exact_stats(self, reader)
            result: TensorStats = self.durable(key, lambda: exact_stats(self, reader), pack_stats, unpack_stats)
            return result

        result: TensorStats = self.memo(key, compute, lambda s: s.histogram.nbytes + 512)
        return result

    def known_stats(self, address: str) -> TensorStats | None:
        """The statistics at hand without a long pass: exact, sampled, or computed now when the tensor is small."""
        reader = self.reader(address)
        recorded = self._recorded(reader)
        if recorded is not None:
            return recorded
        for kind in ("stats", "sampled-stats"):
            found: TensorStats | None = self.peek((kind, address, reader.info.version))
            if found is not None:
                return found
        return self.stats(address) if reader.info.size <= SAMPLE else None

    def _recorded(self, reader: TensorReader) -> TensorStats | None:
        """Statistics of a tensor of which a part was kept, taken from all of it at the time; None of others."""
        statistics = getattr(self.source, "statistics", None)
        if statistics is None or reader.info.kept is None:
            return None
        key = ("recorded-stats", reader.info.address, reader.info.version)
        found: TensorStats | None = self.memo(key, lambda: statistics(reader.info.address), lambda _: 2560)
        return found

    def memo(self, key: Hashable, build: Callable[[], Any], nbytes: Callable[[Any], int]) -> Any:
        """``build()`` once for ``key``, kept under the engine's byte budget."""
        return self._memo.get(key, build, nbytes)

    def durable(
        self,
        key: Hashable,
        build: Callable[[], Any],
        pack: Callable[[Any], dict[str, np.ndarray]],
        unpack: Callable[[dict[str, np.ndarray]], Any],
    ) -> Any:
        """``build()``, or what an earlier run kept on disk for the same content of the same file.

        Only files have content that outlives a process, and only what took long is worth its place on the disk.
        """
        origin = getattr(self.source, "origin", "")
        if not origin:
            return build()
        cache = user_cache()
        held = cache.get((origin, key))
        if held is not None:
            return unpack(held)
        start = time.perf_counter()
        result = build()
        if time.perf_counter() - start > WORTH_KEEPING:
            cache.put((origin, key), pack(result))
        return result

    def peek(self, key: Hashable) -> Any | None:
        """What is kept for ``key``, or None."""
        return self._memo.peek(key)

    def beginning(self, address: str) -> str:
        """The same tensor at the first step at which a run kept it; the address itself where there are no steps."""
        beginning = getattr(self.source, "beginning", None)
        return address if beginning is None else str(beginning(address))

    def linearised(self, path: str) -> AbstractContextManager[Linear]:
        """A module of a live model as a linear map about what it is given now.

        Raises
        ------
        NnscopeError
            If nothing runs here.
        """
        linearised = getattr(self.source, "linearised", None)
        if linearised is None:
            raise NnscopeError("This source is a file: nothing in it runs.", path, "Open a live model.")
        found: AbstractContextManager[Linear] = linearised(path)
        return found

    def residual_blocks(self) -> tuple[ResidualBlock, ...]:
        """Where the model adds branches to what went past them: from its graph where there is one, else from names."""
        from nnscope.sources.residual import blocks_of_names

        found = getattr(self.source, "residual_blocks", None)
        return blocks_of_names(self.source.listing().tensors) if found is None else found()

    def check(self) -> None:
        """Raise `Cancelled` when the answer is not wanted any more."""
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Report how far the job is, and stop it if it was cancelled."""
        self.check()
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, text))
