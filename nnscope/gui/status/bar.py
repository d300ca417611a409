"""The status bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QStatusBar, QToolButton, QWidget

from nnscope.gui import fonts, icons
from nnscope.gui.status.jobs import JobArea
from nnscope.gui.status.memory import resident_bytes
from nnscope.gui.text import ElidedLabel, Label
from nnscope.gui.timers import every
from nnscope.scene.numbers import nbytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.core.frame import Theme
    from nnscope.gui.status.jobs import Job
    from nnscope.gui.status.rate import FrameRate

REFRESH = 1000  # ms between two looks at frame rate and memory


class StatusBar(QStatusBar):
    """Hover text at the left, the state of the program at the right."""

    def __init__(self, rate: FrameRate, jobs: Callable[[], Sequence[Job]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rate = rate
        self.setSizeGripEnabled(False)
        self.hover = ElidedLabel()
        self.hover.setFont(fonts.tabular())
        self.jobs = JobArea(jobs)
        self.problems = QToolButton()
        self.problems.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.problems.setAccessibleName("Show the problems")
        self.problems.hide()
        self._frames, self._memory, self.device = (_fact(width) for width in (56, 76, 40))
        self._frames.setToolTip("Frames drawn in the last second")
        self._memory.setToolTip("Memory this process holds")
        self.addWidget(self.hover, 1)
        for widget in (self.jobs, self.problems, self._frames, self._memory, self.device):
            self.addPermanentWidget(widget)
        self._timer = every(self, REFRESH, self.refresh)
        self._timer.start()
        self.setContentsMargins(8, 0, 8, 0)
        self.refresh()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self.jobs.apply(theme)
        self.problems.setIcon(icons.tinted("warning", theme.aesthetic))

    def show_hover(self, text: str) -> None:
        """What is under the pointer; empty when nothing is."""
        self.hover.setText(text)

    def show_problems(self, count: int) -> None:
        """How many entries the error panel has."""
        self.problems.setText(f"{count} problem{'s' if count > 1 else ''}")
        self.problems.setVisible(count > 0)

    def refresh(self) -> None:
        """Frame rate and memory now."""
        rate = self._rate.value
        self._frames.setText(f"{rate:.0f} fps" if rate else "idle")
        memory = resident_bytes()
        self._memory.setText(nbytes(memory) if memory else "")

    def stop(self) -> None:
        """No more looking."""
        self._timer.stop()
        self.jobs.stop()


def _fact(width: int) -> Label:
    label = Label("", "secondary")
    label.setFont(fonts.tabular())
    label.setMinimumWidth(width)
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label
