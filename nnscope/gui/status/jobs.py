"""Jobs in the status line: the oldest with its progress and a cancel button, and a list of all on a click."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.status.progress import ProgressLine
from nnscope.gui.text import ElidedLabel, Label
from nnscope.gui.timers import every

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.core.frame import Theme
    from nnscope.gui.filming import Shooting
    from nnscope.gui.openings import Opening
    from nnscope.scene.jobs import JobInfo

    Job: TypeAlias = JobInfo | Opening | Shooting

PATIENCE = 0.2  # seconds a job may take before anyone hears of it
REFRESH = 100  # ms
ROWS = 8  # jobs listed; the rest is counted


class JobRow(QWidget):
    """A job: what it does, how far it is, a button to stop it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self.text = ElidedLabel()
        self.bar = ProgressLine()
        self.bar.setFixedWidth(96)
        self.cancel = QToolButton()
        self.cancel.setToolTip("Cancel")
        self.cancel.setAccessibleName("Cancel this job")
        self.cancel.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)

    def apply(self, theme: Theme) -> None:
        """Colour the icon."""
        self.cancel.setIcon(icons.icon("close", theme))

    def show_job(self, job: Job) -> None:
        """Fill in."""
        self._job = job
        if self.text.text() != plain(job.text, 4096):
            self.text.setText(job.text)
        self.bar.show_share(min(1.0, job.done / job.total) if job.total else None)
        self.bar.setAccessibleName(f"Progress of {plain(job.text)}")

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()


class JobArea(QWidget):
    """Shown while jobs run longer than `PATIENCE`."""

    def __init__(self, jobs: Callable[[], Sequence[Job]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._theme: Theme | None = None
        self.row = JobRow()
        self.row.setFixedWidth(360)
        self.more = QToolButton()
        self.more.setAccessibleName("List all jobs")
        self.more.clicked.connect(self._toggle_popup)
        self.popup = JobPopup(self)
        self._timer = every(self, REFRESH, self.refresh)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.row)
        box.addWidget(self.more)
        self.row.hide()
        self.more.hide()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self.row.apply(theme)
        self.popup.apply(theme)

    def jobs_changed(self) -> None:
        """A job came, went or moved on."""
        if not self._timer.isActive() and self._jobs():
            self._timer.start()

    def refresh(self) -> None:
        """Show what has been running for a while."""
        jobs = self._jobs()
        if not jobs:
            self._timer.stop()
        now = time.monotonic()
        slow = [job for job in jobs if now - job.started >= PATIENCE]
        self.row.setVisible(bool(slow))
        self.more.setVisible(len(slow) > 1)
        self.more.setText(f"{len(slow)} jobs")
        if slow:
            self.row.show_job(slow[0])
        self.popup.show_jobs(slow)

    def stop(self) -> None:
        """No more looking."""
        self._timer.stop()

    def _toggle_popup(self) -> None:
        if self.popup.isVisible():
            self.popup.hide()
            return
        self.popup.adjustSize()
        corner = self.more.mapToGlobal(QPoint(self.more.width(), -8))
        self.popup.move(corner.x() - self.popup.width(), corner.y() - self.popup.height())
        self.popup.show()


class JobPopup(QFrame):
    """All jobs, a row each."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "popup")
        self.rows = [JobRow() for _ in range(ROWS)]
        self._rest = Label("", "secondary")
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 8, 8)
        box.setSpacing(4)
        for row in self.rows:
            row.setFixedWidth(400)
            box.addWidget(row)
        box.addWidget(self._rest)

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        for row in self.rows:
            row.apply(theme)

    def show_jobs(self, jobs: Sequence[Job]) -> None:
        """Fill in; the popup goes when there are none."""
        if not jobs:
            self.hide()
        for at, row in enumerate(self.rows):
            row.setVisible(at < len(jobs))
            if at < len(jobs):
                row.show_job(jobs[at])
        self._rest.setText(f"and {len(jobs) - ROWS} more")
        self._rest.setVisible(len(jobs) > ROWS)
