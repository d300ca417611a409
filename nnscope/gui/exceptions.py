"""No exception ends the program (promise P18): what nobody caught becomes an entry of the error panel.

PyQt aborts the process when a slot raises, unless `sys.excepthook` was replaced before the application object exists:
`install` is called first of all. It covers slots and paint events, threads, and what Python can only report
(``__del__``, callbacks of C code).
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections import deque
from typing import TYPE_CHECKING

from nnscope.core.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_log = logging.getLogger("nnscope.gui")
KEPT = 100  # failures kept until somebody listens


class ExceptionHooks:
    """Replaces the three hooks until `remove`. ``listen`` gets a `Failure`, on whatever thread it happened."""

    def __init__(self) -> None:
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._listener: Callable[[Failure], None] | None = None
        self._waiting: deque[Failure] = deque(maxlen=KEPT)

    def install(self) -> None:
        """Catch from now on."""
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._raised
        threading.excepthook = lambda args: self._raised(args.exc_type, args.exc_value, args.exc_traceback)
        sys.unraisablehook = lambda args: self._raised(args.exc_type, args.exc_value, args.exc_traceback)

    def remove(self) -> None:
        """Put the hooks of before back."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        self._listener = None

    def listen(self, listener: Callable[[Failure], None]) -> None:
        """Hand over what happened so far and what will."""
        self._listener = listener
        while self._waiting:
            listener(self._waiting.popleft())

    def _raised(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt | SystemExit):
            self._before[0](kind, error or kind(), trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        failure = Failure.of(error if error is not None else kind(), details)
        _log.error("%s", details)  # and on stderr, for those who started us from a terminal
        if self._listener is None:
            self._waiting.append(failure)
        else:
            self._listener(failure)
