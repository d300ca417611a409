"""The Qt application object, and what must be in place before it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from PyQt6.QtCore import QCoreApplication
from PyQt6.QtWidgets import QApplication

from nnscope.compute.parallel import spare_cores
from nnscope.core.settings import load_preferences
from nnscope.gui.garbage import GarbageKeeper
from nnscope.gui.theme import apply_theme, resolve_theme

if TYPE_CHECKING:
    from collections.abc import Callable

SWITCH = 0.0005  # seconds that a working thread keeps the interpreter when the window's thread asks for it


def make_application() -> QApplication:
    """The application object, the one that exists or a new one, in the theme that was chosen last."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        QCoreApplication.setApplicationName("nnscope")
        application = QApplication(sys.argv[:1])
        application.setDesktopFileName("nnscope")  # ties the window to the desktop entry's icon
    apply_theme(application, resolve_theme(load_preferences().theme))
    return application


def favour_the_window() -> None:
    """Let this thread have the interpreter, and a core, before those that work for it."""
    sys.setswitchinterval(SWITCH)
    spare_cores(1)


def run_application(application: QApplication, interrupted: Callable[[], object]) -> int:
    """Run the event loop until the last window has closed; Ctrl+C in the terminal calls ``interrupted``.

    Python handles signals between two callbacks: the status bar's timer gives it a chance every second.
    """
    garbage = GarbageKeeper()
    interval = sys.getswitchinterval()
    favour_the_window()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted())
    try:
        return application.exec()
    finally:
        signal.signal(signal.SIGINT, before)
        sys.setswitchinterval(interval)
        spare_cores(0)
        garbage.stop()
