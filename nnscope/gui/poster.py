"""Runs functions on the window's thread, from any thread: how answers of engines come home."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, pyqtSignal

Run = Callable[[], None]


class Poster(QObject):
    """`post` may be called from any thread; what it is given runs on the thread that made this object, in order."""

    _posted = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self._closed = False

    def post(self, run: Run) -> None:
        """Have ``run`` called soon; dropped after `close`."""
        if not self._closed:
            self._posted.emit(run)

    def close(self) -> None:
        """Take nothing more."""
        self._closed = True

    def _run(self, run: Run) -> None:
        if not self._closed:
            run()
