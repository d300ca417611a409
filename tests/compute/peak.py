"""Peak memory of a call, as NumPy's and Python's allocators saw it."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def peak_bytes(run: Callable[[], object]) -> int:
    """Most bytes that ``run`` held at once beyond what was held before it, its result included."""
    run()  # imports, compilation and caches are not the method's memory
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = run()
        peak = tracemalloc.get_traced_memory()[1]
        del kept
    finally:
        tracemalloc.stop()
    return peak - before
