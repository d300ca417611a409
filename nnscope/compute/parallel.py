"""Work on many blocks with a few threads: NumPy's loops release the interpreter's lock, so two cores do two blocks."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_spared = 0


def spare_cores(count: int) -> None:
    """Leave CPUs to others from now on, as a window does for the thread that draws; one is always used."""
    global _spared
    _spared = count


def map_blocks(work: Callable[[int], T], count: int, threads: int | None = None) -> Iterator[T]:
    """Yield ``work(0)``, ``work(1)``, …, in order, computed by up to ``threads`` threads.

    Stopping early, by an exception in the consumer or by closing the iterator, waits for the blocks in work only.

    Parameters
    ----------
    work : callable
        Called with a block's number, from any thread; what it raises is raised here.
    count : int
        Number of blocks.
    threads : int or None
        None for one per CPU, less those spared. At most twice as many blocks are in work or waiting to be taken, which
        bounds memory.
    """
    threads = min(threads or max(1, (os.cpu_count() or 1) - _spared), count)
    if threads <= 1:
        yield from map(work, range(count))
        return
    with ThreadPoolExecutor(threads, "nnscope-blocks") as pool:
        yield from _pump(pool, work, count, 2 * threads)


def _pump(pool: ThreadPoolExecutor, work: Callable[[int], T], count: int, window: int) -> Iterator[T]:
    waiting: deque[Future[T]] = deque()
    try:
        for number in range(count):
            if len(waiting) == window:
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, number))
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
