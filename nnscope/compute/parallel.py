"""Work on many blocks with a few threads: NumPy's loops release the interpreter's lock, so two cores do two blocks.

The thread that asks works too, so a call needs one thread less than it has CPUs, and asking within a block never waits
for a thread to be free. The others are helpers, which wait a moment for the next call before they end: methods make
dozens of calls, and to start a thread takes ten times as long as to wake one.

Tried: `concurrent.futures`, a future for each block. Over 62 blocks of 0.5 ms it used two cores hardly better than one,
as at the end of each block three threads met at the interpreter's lock.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_LINGER = 0.02  # seconds that a helper waits for the next call

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
    blocks = _Blocks(work, count, 2 * threads)
    try:
        for _ in range(threads - 1):
            _crew.ask(blocks)
        for number in range(count):
            yield blocks.take(number)
    finally:
        _crew.dismiss(blocks)
        blocks.close()


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any
    error: BaseException | None = None


class _Blocks(Generic[T]):
    """The blocks of a call, for whichever thread is free to begin the next one."""

    def __init__(self, work: Callable[[int], T], count: int, window: int) -> None:
        self._work, self._count, self._window = work, count, window
        self._changed = threading.Condition(threading.Lock())
        self._begun = self._ended = self._taken = 0
        self._done: dict[int, _Outcome] = {}

    def take(self, number: int) -> T:
        """What came of a block, once all before it were taken; until it is done, this thread does others."""
        while (other := self._begin(wanted=number)) is not None:
            self._do(other)
        with self._changed:
            outcome = self._done.pop(number)
            self._taken += 1
            self._changed.notify_all()
        if outcome.error is not None:
            raise outcome.error
        return outcome.value  # type: ignore[no-any-return]

    def help(self) -> None:
        """Do blocks until none is left to begin."""
        while (number := self._begin()) is not None:
            self._do(number)

    def close(self) -> None:
        """Begin no more, and wait for those in work."""
        with self._changed:
            self._count = self._begun
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended == self._begun)

    def _begin(self, wanted: int | None = None) -> int | None:
        """The next block, once the window lets it begin; None once ``wanted`` is done, or where there is no next."""

        def decided() -> bool:
            over = wanted is None and self._begun == self._count
            return over or wanted in self._done or self._may_begin()

        with self._changed:
            self._changed.wait_for(decided)
            if wanted in self._done or not self._may_begin():
                return None
            self._begun += 1
            return self._begun - 1

    def _may_begin(self) -> bool:
        return self._begun < min(self._count, self._taken + self._window)

    def _do(self, number: int) -> None:
        try:
            outcome = _Outcome(self._work(number))
        except BaseException as error:
            outcome = _Outcome(None, error)
        with self._changed:
            self._done[number] = outcome
            self._ended += 1
            self._changed.notify_all()


class _Crew:
    """Threads that help with one call after another; one that finds none for a moment ends."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._calls: deque[_Blocks[Any]] = deque()
        self._free = 0  # threads that do no call's blocks

    def ask(self, blocks: _Blocks[Any]) -> None:
        """Have one more thread help with a call."""
        with self._changed:
            self._calls.append(blocks)
            if self._free < len(self._calls):
                threading.Thread(target=self._help, name="nnscope-blocks").start()
                self._free += 1
            self._changed.notify()

    def dismiss(self, blocks: _Blocks[Any]) -> None:
        """Nobody need begin to help with a call any more."""
        with self._changed:
            while blocks in self._calls:
                self._calls.remove(blocks)

    def _help(self) -> None:
        while (blocks := self._next()) is not None:
            blocks.help()
            del blocks  # nothing of the call is kept alive
            with self._changed:
                self._free += 1

    def _next(self) -> _Blocks[Any] | None:
        with self._changed:
            called = self._changed.wait_for(lambda: self._calls, _LINGER)
            self._free -= 1
            return self._calls.popleft() if called else None


_crew = _Crew()


def _forget() -> None:
    """A forked process has none of the threads, and perhaps a lock that one of them held."""
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
