"""Matrix products in several threads of our own: BLAS then keeps to one thread in each.

A BLAS that splits one small product over all cores waits for the slowest of them at each step, and its threads go on
spinning after it; on cores that are shared with other work that was measured to cost a factor of 2 to 4. Blocks of a
large product in two threads, each with a BLAS of one thread, don't wait for each other.

The limit is a setting of the whole process. The thread that sets it also restores it, because OpenBLAS (0.3.31) ignores
what other threads set once the main thread has set something; who enters meanwhile finds it in force and leaves it.
"""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD = threading.Lock()  # by the one who set the limit


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within the block, products of NumPy and SciPy use one thread per calling thread. Nests, from any threads."""
    if not _HELD.acquire(blocking=False):
        yield
        return
    try:
        with _controller("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas"):
            yield
    finally:
        _HELD.release()


@cache
def _controller(with_scipy: bool) -> Any:
    """The BLAS libraries that are loaded: NumPy's is there by the first time, SciPy brings one of its own later."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
