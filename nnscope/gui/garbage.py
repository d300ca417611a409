"""Python's cycle collector, run on the window's thread only.

VisPy's GL objects write to an unlocked queue when they are destroyed; a collection that happens to start in a worker
thread corrupts it. So automatic collection is off while the window lives, and a timer collects instead.
"""

from __future__ import annotations

import gc

from PyQt6.QtCore import QObject

from nnscope.gui.timers import every

INTERVAL = 1000  # ms


class GarbageKeeper(QObject):
    """Collects young generations when they are due, and all of it after 60 rounds without."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        self._rounds = 0
        gc.disable()
        gc.freeze()  # what the imports made lives as long as the program: never look through it again
        self._timer = every(self, INTERVAL, self._collect)
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_on:
            gc.enable()

    def _collect(self) -> None:
        self._rounds += 1
        young, middle, _ = gc.get_count()
        thresholds = gc.get_threshold()
        if self._rounds % 60 == 0:
            gc.collect(2)
        elif middle > thresholds[1]:
            gc.collect(1)
        elif young > thresholds[0]:
            gc.collect(0)
