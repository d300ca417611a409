"""Timers that belong to a parent and end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtCore import QObject


def every(parent: QObject, milliseconds: int, run: Callable[[], object]) -> QTimer:
    """A timer, not started yet, that calls ``run`` again and again."""
    timer = QTimer(parent)
    timer.setInterval(milliseconds)
    timer.timeout.connect(run)
    return timer


def once(parent: QObject, milliseconds: int, run: Callable[[], object]) -> QTimer:
    """A timer, not started yet, that calls ``run`` once after each start; a new start begins anew."""
    timer = every(parent, milliseconds, run)
    timer.setSingleShot(True)
    return timer
