"""Matrix products in several threads of our own: BLAS then keeps to one thread in each.

A BLAS that splits one small product over all cores waits for the slowest of them at each step; on cores that are shared
with other work that was measured to cost a factor of 2 to 4. Blocks of a large product in two threads, each with a BLAS
of one thread, don't wait for each other.

The limit is a setting of the whole process, so users are counted: the first one sets it, the last one restores it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCK = threading.Lock()
_HELD: list[Any] = []  # the limiter in force
_USERS = [0]


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within the block, products of NumPy use one thread per calling thread. Nests, from any threads."""
    with _LOCK:
        _USERS[0] += 1
        if _USERS[0] == 1:
            _HELD.append(_controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _LOCK:
            _USERS[0] -= 1
            if _USERS[0] == 0:
                _HELD.pop().restore_original_limits()


@cache
def _controller() -> Any:
    """The BLAS libraries that are loaded: looked for once, NumPy's is there by then."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
