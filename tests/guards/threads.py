"""A test that leaves a thread running fails, with the line at which the thread is."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE = 2.0  # seconds within which a thread that was told to stop must have stopped

# Threads of libraries that live as long as the process, by the module of their class.
_LASTING = ("tqdm", "zmq.utils.garbage")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail if the test leaves a Python thread behind."""
    before = set(threading.enumerate())
    yield
    left = _left(before)
    if left:
        lines = "\n".join(f"  {thread.name}: {_place(thread)}" for thread in left)
        pytest.fail(f"The test left threads running:\n{lines}", pytrace=False)


def _left(before: set[threading.Thread]) -> list[threading.Thread]:
    end = time.monotonic() + GRACE
    while (left := [t for t in threading.enumerate() if t not in before and _counts(t)]) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def _counts(thread: threading.Thread) -> bool:
    # A dummy stands for a thread that Python did not start; it never goes away.
    return not isinstance(thread, threading._DummyThread) and not type(thread).__module__.startswith(_LASTING)


def _place(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or -1)
    if frame is None:
        return "ended meanwhile"
    summary = traceback.extract_stack(frame)[-1]
    return f"{summary.filename}:{summary.lineno} in {summary.name}"
