"""How much memory this process holds."""

from __future__ import annotations

import os
import resource
import sys


def resident_bytes() -> int:
    """Resident set size; 0 where the system does not tell it cheaply."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the peak is the best there is elsewhere
        return peak if sys.platform == "darwin" else 0
