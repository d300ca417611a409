"""The Record menu: trainings that are attached to, and those of models that run here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

if TYPE_CHECKING:
    from nnscope.gui.main_window import MainWindow
    from nnscope.gui.training import Trainings
    from nnscope.scene.controller import Controller


class RecordCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, window: MainWindow, controller: Controller, trainings: Trainings) -> None:
        self._window = window
        self._controller = controller
        self._trainings = trainings

    def train(self) -> None:
        """Train the model from scratch, or stop."""
        self._trainings.toggle()

    def record(self) -> None:
        """Ask for a folder, and train the model with its run kept there."""
        dialog = QFileDialog(self._window, "Record the training in a new folder")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile("run.nnscope")
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Record")
        dialog.finished.connect(dialog.deleteLater)
        dialog.fileSelected.connect(self._trainings.start)
        dialog.open()

    def follow(self) -> None:
        """Show the newest step as it comes, or stay at the present one."""
        timeline = self._controller.timeline
        timeline.follow(not timeline.follows())

    def detach(self) -> None:
        """Leave the training; it goes on."""
        self._window.close_source(self._controller.workspace.pane.source)
