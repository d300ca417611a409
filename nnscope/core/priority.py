"""Threads that work give way to the thread that draws: on few cores a window would stutter beside them otherwise."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

NICE = {"prompt": 0, "quick": 5, "slow": 10}  # of the threads of each pool; those they start inherit it


def give_way(nice: int) -> None:
    """Lower the priority of the calling thread. Only Linux has one for each thread; elsewhere nothing happens."""
    if nice and sys.platform.startswith("linux"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
