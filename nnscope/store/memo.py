"""Results kept under a byte budget, each computed once even when several threads ask at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Memo:
    """A thread-safe cache: least recently used results go first when ``budget`` bytes are exceeded.

    Keys hold the content version of what a result was made from, so nothing is ever invalidated, only left to age.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.nbytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}

    def peek(self, key: Hashable) -> Any | None:
        """What is kept for ``key``, or None."""
        with self._lock:
            entry = self._kept.get(key)
            if entry is None:
                return None
            self._kept.move_to_end(key)
            return entry[0]

    def get(self, key: Hashable, build: Callable[[], Any], nbytes: Callable[[Any], int]) -> Any:
        """What is kept for ``key``, or ``build()``, kept from now on.

        A second caller waits for the first; when the first one's build raises, the second builds itself.
        """
        with self._lock:
            gate = self._building.setdefault(key, threading.Lock())
        with gate:
            found = self.peek(key)
            if found is not None:
                return found
            try:
                result = build()
                self._keep(key, result, nbytes(result))
            finally:
                with self._lock:
                    self._building.pop(key, None)
        return result

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.nbytes = 0

    def _keep(self, key: Hashable, result: Any, size: int) -> None:
        with self._lock:
            old = self._kept.pop(key, None)
            self.nbytes += size - (old[1] if old else 0)
            self._kept[key] = (result, size)
            while self.nbytes > self.budget and len(self._kept) > 1:
                _, (_, gone) = self._kept.popitem(last=False)
                self.nbytes -= gone
