"""What a process may take that does nothing but read one file of somebody else's (promise P6).

The system enforces these limits, so that they hold while a parser written in C spins and no Python code can run: the
address space has an end, opening has its seconds of processor time, and each call into the parser its seconds by the
clock. Beyond the first a parser gets no memory; beyond the others the process is ended by a signal, which its parent
tells as a sentence.

Nothing is limited before `limit_process`: the same readers run without limits in a process that never called it.
"""

from __future__ import annotations

import resource
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = 3 << 30  # bytes of address space beyond what the process has when it begins; not all of it is memory
OPENING_CPU = 10  # seconds of processor time
OPENING_WALL = 60.0  # seconds; a slow disk may take some
CALL_WALL = 30.0  # seconds of one read

_parser = threading.RLock()
_limited = threading.Event()


def limit_process(memory: int = MEMORY) -> None:
    """Limit this process for the rest of its life; ``memory`` in bytes beyond what it has.

    It leaves no core file either: a file's contents would be in it.
    """
    _lower(resource.RLIMIT_AS, _address_space() + memory)
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    _limited.set()


@contextmanager
def opening() -> Iterator[None]:
    """While a file is opened and listed, before anything else runs here."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    if _limited.is_set():
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + OPENING_CPU, before[1]))
    try:
        with _timed(OPENING_WALL):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


@contextmanager
def parsing() -> Iterator[None]:
    """A call into the parser of an open file; one at a time."""
    with _timed(CALL_WALL):
        yield


@contextmanager
def _timed(seconds: float) -> Iterator[None]:
    with _parser:
        if _limited.is_set():
            signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            if _limited.is_set():
                signal.setitimer(signal.ITIMER_REAL, 0)


def _lower(limit: int, value: int) -> None:
    """Set a limit that can't be raised again; one that is lower already stays."""
    hard = resource.getrlimit(limit)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _address_space() -> int:
    """Bytes of this process' address space; 0 where the system doesn't tell."""
    try:
        with open("/proc/self/statm") as status:
            return int(status.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
