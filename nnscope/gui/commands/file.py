"""The File menu: open, close, save and copy pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

from nnscope.gui.dialogs.attach import AttachDialog
from nnscope.gui.dialogs.export_animation import ExportDialog, Offer
from nnscope.gui.dialogs.save_picture import SaveDialog

if TYPE_CHECKING:
    from nnscope.export.clip import Clip
    from nnscope.gui.filming import FilmSaver
    from nnscope.gui.main_window import MainWindow
    from nnscope.gui.saving import PictureSaver
    from nnscope.scene.controller import Controller
    from nnscope.scene.shots import Motion

KINDS = (
    "Networks and arrays (*.safetensors *.pt *.pth *.bin *.ckpt *.npy *.npz *.h5 *.hdf5 *.tif *.tiff *.json *.py)",
    "All files (*)",
)


class FileCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, window: MainWindow, controller: Controller, saver: PictureSaver, films: FilmSaver) -> None:
        self._window = window
        self._controller = controller
        self._saver = saver
        self._films = films

    def open_file(self) -> None:
        """Ask for files and open them."""
        dialog = self._dialog("Open", QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(KINDS)
        dialog.filesSelected.connect(self._window.open_paths)
        dialog.open()

    def open_folder(self) -> None:
        """Ask for a folder (a Hugging Face model) and open it."""
        dialog = self._dialog("Open folder", QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(self._window.open_paths)
        dialog.open()

    def attach(self) -> None:
        """Ask for the address of a training and attach to it."""
        dialog = AttachDialog(self._window)
        dialog.accepted_address.connect(lambda address: self._window.open_paths([address]))
        dialog.open()

    def close_source(self) -> None:
        """Close the source of the active pane."""
        self._window.close_source(self._controller.workspace.pane.source)

    def welcome(self) -> None:
        """Back to the welcome page."""
        self._window.central.show_welcome()

    def save_picture(self) -> None:
        """Ask for a size and a file, and save what the canvas shows."""
        dialog = SaveDialog(self._saver.screen_size, parent=self._window)
        dialog.accepted_size.connect(self._ask_file)
        dialog.open()

    def export_animation(self) -> None:
        """Ask for size, rate, steps and a file, and export a film of what the canvas shows."""
        controller, pane = self._controller, self._controller.workspace.pane
        resolved = controller.resolved()
        if resolved is None:
            return
        first, last = self._window.player.ranges.of(pane.source)
        spatial = resolved.dimensions == 3
        dialog = ExportDialog(
            Offer(controller.timeline.kept_here(), first, last, spatial, self._saver.screen_size), self._window
        )
        dialog.wanted.connect(self._ask_film)
        dialog.open()

    def copy_picture(self) -> None:
        """The canvas as a picture to the clipboard."""
        self._saver.copy()

    def leave(self) -> None:
        """Close the window."""
        self._window.close()

    def _ask_file(self, width: int, height: int) -> None:
        dialog = self._dialog("Save picture", QFileDialog.FileMode.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["PNG pictures (*.png)"])
        dialog.setDefaultSuffix("png")
        dialog.selectFile(self._saver.suggested_name)
        dialog.fileSelected.connect(lambda path: self._saver.save(path, width, height))
        dialog.open()

    def _ask_film(self, ending: str, clip: Clip, motion: Motion) -> None:
        dialog = self._dialog("Export animation", QFileDialog.FileMode.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([f"Films (*{ending})"])
        dialog.setDefaultSuffix(ending.removeprefix("."))
        dialog.selectFile(self._saver.suggested_name.removesuffix(".png") + ending)
        dialog.fileSelected.connect(lambda path: self._films.save(path, clip, motion))
        dialog.open()

    def _dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self._window, title)
        dialog.setFileMode(mode)
        dialog.finished.connect(dialog.deleteLater)
        return dialog
