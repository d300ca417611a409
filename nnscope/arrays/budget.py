"""How many bytes a method may hold at once: a share of what is free where its array lives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace

SHARE = 0.25  # of what is free: others work beside us
_UNKNOWN = 1 << 30  # where the system doesn't say
_MEMINFO = Path("/proc/meminfo")


def budget_bytes(array: Any) -> int:
    """Bytes that work on ``array`` may hold beside it, on the host or on the device that it lives on."""
    xp = namespace(array)
    if xp is np:
        return int(SHARE * available_memory())
    pool = xp.get_default_memory_pool()
    return int(SHARE * (xp.cuda.runtime.memGetInfo()[0] + pool.free_bytes()))


def block_elements(array: Any, bytes_each: int, most: int = 1 << 31) -> int:
    """How many elements of ``array`` to work on at once when each takes ``bytes_each`` bytes; at least one."""
    return max(1, min(most, budget_bytes(array) // bytes_each))


def available_memory() -> int:
    """Bytes of the host's memory that a process can have without swapping; a gigabyte where that isn't told."""
    try:
        lines = _MEMINFO.read_text("ascii").splitlines()
    except OSError:
        return _UNKNOWN
    found = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return _UNKNOWN if found is None else int(found) << 10
