"""Codes of one window's tensors, compared on request in a process of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from nnscope.core.errors import Failure, NnscopeError
from nnscope.gui.fitting.codes_dialog import STEPS, CodesDialog
from nnscope.gui.fitting.job import FitJob
from nnscope.scene.fitting import part_of

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.scene.controller import Controller
    from nnscope.scene.fitting import FitPart


class Coder(QObject):
    """Emits ``failed`` (Failure)."""

    failed = pyqtSignal(object)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._folder: Path | None = None
        self.dialog: CodesDialog | None = None
        self.job: FitJob | None = None

    def ask(self) -> None:
        """Ask how many bytes codes of the tensor of the active pane are to have."""
        resolved = self._controller.resolved()
        if resolved is None or self.dialog is not None:
            return
        try:
            part = part_of(resolved)
        except NnscopeError as error:
            self.failed.emit(Failure.of(error))
            return
        source = resolved.source
        self.dialog = dialog = CodesDialog(part, self._window)
        dialog.begun.connect(lambda nbytes: self._begin(source, part, nbytes))
        dialog.stopped.connect(self._abandon)
        dialog.left.connect(self.stop)
        dialog.show()

    def stop(self) -> None:
        """End what is under way, and leave nothing behind."""
        dialog, self.dialog = self.dialog, None
        self._abandon()
        if dialog is not None:
            dialog.close()

    def _begin(self, source: str, part: FitPart, nbytes: int) -> None:
        opened, dialog = self._controller.library.sources.get(source), self.dialog
        if dialog is None or opened is None or opened.dead:
            self.failed.emit(Failure("What was to be coded is not open any more.", part.info.address))
            return
        self._abandon()
        self._folder = Path(tempfile.mkdtemp(prefix="nnscope-codes-"))
        self.job = job = FitJob(part, {"codes": nbytes, "steps": STEPS}, self._folder, self)
        job.stepped.connect(dialog.show_steps)
        job.coded.connect(dialog.show_rows)
        job.failed.connect(dialog.show_failure)
        job.done.connect(dialog.show_done)
        dialog.begin()
        job.start(opened.engine)

    def _abandon(self) -> None:
        job, self.job = self.job, None
        if job is not None:
            job.abandon()
            job.deleteLater()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
