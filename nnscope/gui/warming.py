"""While the welcome page is looked at, the canvas gets ready, so that opening a file finds everything in place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from nnscope.core.errors import NnscopeError
from nnscope.gui.timers import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REST = 400  # ms after the start in which the window is left alone
PAUSE = 20  # ms between steps


class Warming(QObject):
    """Runs one function in a thread, then steps on the window's thread, with pauses.

    Parameters
    ----------
    parent : QObject
    load : callable
        May run in any thread.
    steps : callable
        Gives the steps; what they can't do is left to the first picture, which says so.
    """

    def __init__(self, parent: QObject, load: Callable[[], None], steps: Callable[[], Iterator[None]]) -> None:
        super().__init__(parent)
        self._thread = threading.Thread(target=load, name="nnscope-warming", daemon=True)
        self._make_steps = steps
        self._steps: Iterator[None] | None = None
        self._timer = once(self, REST, self._go_on)
        self._timer.start()

    def stop(self) -> None:
        """Do no more; waits for the thread."""
        self._timer.stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _go_on(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        elif not self._thread.is_alive() and not self._step():
            return
        self._timer.start(PAUSE)

    def _step(self) -> bool:
        """Whether there is more to do."""
        if self._steps is None:
            self._steps = self._make_steps()
        try:
            return next(self._steps, self) is None
        except NnscopeError:
            return False
