"""A test that leaves a top-level widget, a running timer or a Qt thread behind fails (promise P22).

Only tests that ask for the application object are looked at, and Qt is imported for these only. Timers and threads
are found by recording every start, with the line it came from, while the test runs.
"""

from __future__ import annotations

import gc
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from tests.guards.display import opens_widgets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

GRACE = 2000  # milliseconds within which a Qt thread that was told to stop must have stopped

_unfinished: list[_Starts] = []  # what failed a test stays alive, so that the next tests can run


class _Starts:
    """Who was started while the test ran, and from which line."""

    def __init__(self) -> None:
        self.places: list[tuple[weakref.ref[Any], str]] = []
        self.held: list[Any] = []  # single shots, which nobody else holds, and threads: destroying one that runs aborts

    def left(self) -> list[str]:
        """A line for each timer or thread that still runs."""
        return [line for ref, place in self.places if (owner := ref()) is not None and (line := _running(owner, place))]


@pytest.fixture(autouse=True)
def nothing_of_qt_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if the test leaves a widget, timer or thread of Qt behind."""
    if not opens_widgets(request.node):
        yield
        return
    request.getfixturevalue("qapp")
    before = _windows()
    with pytest.MonkeyPatch.context() as patch:
        starts = _record_starts(patch)
        yield
    left = _left_windows(before) + starts.left()
    if left:
        _unfinished.append(starts)
        pytest.fail("The test left behind:\n" + "\n".join(f"  {line}" for line in left), pytrace=False)


def _record_starts(patch: pytest.MonkeyPatch) -> _Starts:
    from PyQt6.QtCore import QThread, QTimer

    starts = _Starts()

    def recording(base: Any) -> Any:
        def start(self: Any, *args: Any) -> None:
            if isinstance(self, QThread):
                starts.held.append(self)
            starts.places.append((weakref.ref(self), _caller()))
            base(self, *args)

        return start

    def single_shot(milliseconds: int, *args: Any) -> None:
        timer = QTimer()
        timer.setSingleShot(True)
        if len(args) == 2:  # the kind of timer comes before the slot
            timer.setTimerType(args[0])
        timer.timeout.connect(args[-1])
        starts.held.append(timer)
        timer.start(milliseconds)

    patch.setattr(QTimer, "start", recording(QTimer.start))
    patch.setattr(QThread, "start", recording(QThread.start))
    patch.setattr(QTimer, "singleShot", single_shot)
    return starts


def _running(owner: Any, place: str) -> str:
    from PyQt6 import sip
    from PyQt6.QtCore import QTimer

    if sip.isdeleted(owner):
        return ""
    if isinstance(owner, QTimer):
        return f"running timer, started at {place}" if owner.isActive() else ""
    return "" if owner.wait(GRACE) else f"running Qt thread, started at {place}"


def _windows() -> list[Any]:
    from PyQt6.QtWidgets import QApplication

    return [w for w in QApplication.topLevelWidgets() if w.parent() is None and type(w).__name__ != "QTipLabel"]


def _left_windows(before: list[Any]) -> list[str]:
    _delete_later()
    if _new_windows(before):  # only then pay for a collection: a closed window may hang in a cycle
        gc.collect()
        _delete_later()
    return [f"top-level {type(w).__name__} {w.objectName()!r} {w.windowTitle()!r}" for w in _new_windows(before)]


def _new_windows(before: list[Any]) -> list[Any]:
    return [window for window in _windows() if not any(window is known for known in before)]


def _delete_later() -> None:
    from PyQt6.QtCore import QCoreApplication, QEvent

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    QCoreApplication.processEvents()


def _caller() -> str:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "an unknown place"
