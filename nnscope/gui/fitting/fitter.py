"""Fits of one window: asks, follows, shows the field beside its tensor, saves it, and ends what is under way."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import Failure, NnscopeError
from nnscope.gui.fitting.coder import Coder
from nnscope.gui.fitting.dialog import FitDialog
from nnscope.gui.fitting.job import FitJob
from nnscope.scene.fitting import compared, part_of

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.scene.controller import Controller
    from nnscope.scene.fitting import FitPart

WANTED = ("gaussians", "steps", "views")  # as a fit is asked for


class Fitter(QObject):
    """Emits ``failed`` (Failure), ``fitted`` (path of a field that is to be opened) and ``saved`` (path)."""

    failed = pyqtSignal(object)
    fitted = pyqtSignal(str)
    saved = pyqtSignal(str)

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._folders: list[Path] = []
        self._shown: dict[str, tuple[tuple[int, ...], tuple[float, float], bool]] = {}
        self.coder = Coder(controller, window)
        self.coder.failed.connect(self.failed)
        self.dialog: FitDialog | None = None
        self.job: FitJob | None = None

    def ask(self) -> None:
        """Ask how the tensor of the active pane is to be fitted."""
        resolved = self._controller.resolved()
        if resolved is None or self.dialog is not None:
            return
        try:
            part = part_of(resolved)
        except NnscopeError as error:
            self.failed.emit(Failure.of(error))
            return
        source = resolved.source
        self.dialog = dialog = FitDialog(part, self._window)
        dialog.begun.connect(lambda *asked: self._begin(source, part, dict(zip(WANTED, asked, strict=True))))
        dialog.stopped.connect(self._finish)
        dialog.save.connect(self._save)
        dialog.left.connect(self._leave)
        dialog.show()

    def owns(self, key: str) -> bool:
        """Whether a source is a file of this window's that ends with it."""
        return Path(key).parent in self._folders

    def listed(self, key: str) -> None:
        """A field that was fitted here has been opened: show it beside its tensor."""
        source = self._controller.library.sources.get(key)
        if key in self._shown and source is not None and "residual" in source.infos:
            workspace = self._controller.workspace
            workspace.set(compared(workspace.state, key, *self._shown.pop(key)))

    def stop(self) -> None:
        """End what is under way, and leave nothing behind."""
        self.coder.stop()
        self._leave()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._folders.clear()

    def _begin(self, source: str, part: FitPart, wanted: dict[str, int]) -> None:
        opened, dialog = self._controller.library.sources.get(source), self.dialog
        if dialog is None or opened is None or opened.dead:
            self.failed.emit(Failure("What was to be fitted is not open any more.", part.info.address))
            return
        self._abandon()
        folder = Path(tempfile.mkdtemp(prefix="nnscope-fit-"))
        self._folders.append(folder)
        self.job = job = FitJob(part, wanted, folder, self)
        job.stepped.connect(dialog.show_steps)
        job.failed.connect(dialog.show_failure)
        job.done.connect(lambda told: self._show(job, part, told))
        dialog.begin()
        job.start(opened.engine)

    def _show(self, job: FitJob, part: FitPart, told: dict[str, Any]) -> None:
        if self.dialog is not None:
            self.dialog.show_done(told)
        self._shown[str(job.path)] = (part.shape, (told["low"], told["high"]), told["heldout"] is not None)
        self.fitted.emit(str(job.path))

    def _finish(self) -> None:
        if self.job is not None:
            self.job.finish()

    def _leave(self) -> None:
        dialog, self.dialog = self.dialog, None
        self._abandon()
        if dialog is not None:
            dialog.close()

    def _abandon(self) -> None:
        job, self.job = self.job, None
        if job is not None:
            job.abandon()
            job.deleteLater()

    def _save(self) -> None:
        job = self.job
        if job is None:
            return
        path, _ = QFileDialog.getSaveFileName(self._window, "Save field", job.path.name, "Fields (*.safetensors)")
        if path:
            self.save_as(path)

    def save_as(self, path: str) -> None:
        """Copy the field that was fitted last to a file of that name."""
        if self.job is None:
            return
        try:
            write_atomically(path, self.job.path.read_bytes())
        except (OSError, NnscopeError) as error:
            self.failed.emit(Failure.of(error))
        else:
            self.saved.emit(path)
