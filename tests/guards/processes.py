"""A test that leaves a child process running fails (Linux; elsewhere nothing is checked)."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE = 3.0  # seconds within which a process that was told to stop must have stopped


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """Fail if the test leaves a child process behind."""
    before = _children()
    yield
    left = _left(before)
    if left:
        lines = "\n".join(f"  {pid}: {_command(pid)}" for pid in sorted(left))
        pytest.fail(f"The test left processes running:\n{lines}", pytrace=False)


def _left(before: set[int]) -> set[int]:
    end = time.monotonic() + GRACE
    while (left := _children() - before) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def _children() -> set[int]:
    """Running children of this process; `multiprocessing`'s own tracker lives as long as it does and doesn't count."""
    multiprocessing.active_children()  # reaps those that have ended
    tracker = getattr(resource_tracker._resource_tracker, "_pid", None)
    found = {int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in _read(file).split()}
    return {pid for pid in found if pid != tracker and _runs(pid)}


def _runs(pid: int) -> bool:
    state = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def _command(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip()


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # the thread or process ended between listing and reading
        return ""
