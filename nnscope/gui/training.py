"""Trainings of models that run here: each is recorded and attached to, as one elsewhere would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from nnscope.core.attaching import is_address, without_token
from nnscope.gui.live import LiveState

if TYPE_CHECKING:
    from nnscope.core.tensor import Listing
    from nnscope.scene.controller import Controller


class Trainings(QObject):
    """Starts and stops the training of the model behind the active pane. Emits ``began`` (address of the run)."""

    began = pyqtSignal(str)

    def __init__(self, controller: Controller, parent: QObject) -> None:
        super().__init__(parent)
        self._controller = controller
        self._models: dict[str, str] = {}  # run → the model that is trained in it
        self._tensors: dict[str, str] = {}  # run → what was shown of the model when it began

    def model(self) -> str:
        """The key of the model behind the active pane: of a run, that which is trained in it."""
        source = self._controller.workspace.pane.source
        return self._models.get(source, source)

    def state(self) -> LiveState | None:
        """What is shown of the active pane's source, if it runs; of a run with what its model can."""
        sources = self._controller.library.sources
        source = self._controller.workspace.pane.source
        shown = LiveState.of(sources.get(source))
        if shown is None or source not in self._models:
            return shown
        model = LiveState.of(sources.get(self._models[source]))
        return shown if model is None else shown.of_model(model)

    def toggle(self) -> None:
        """Train the model from scratch, or stop."""
        state = self.state()
        if state is not None and state.can_train:
            self.stop() if state.training else self.start()

    def start(self, folder: str = "") -> None:
        """Train the model from scratch; the run is kept in ``folder``, or only as long as it is looked at."""
        self._controller.control(self.model(), "train", folder=folder)

    def stop(self) -> None:
        """Stop after the present step."""
        self._controller.control(self.model(), "stop")

    def controlled(self, model: str, command: str) -> None:
        """A model has carried out a command: attach to the training that it began."""
        source = self._controller.library.sources.get(model)
        address = str(source.status.get("run", "")) if source is not None else ""
        if command != "train" or not is_address(address):
            return
        for run in [run for run, of in self._models.items() if of == model]:
            del self._models[run]
            self._controller.close_source(run)
        pane, run = self._controller.workspace.pane, without_token(address)
        self._models[run] = model
        self._tensors[run] = pane.address
        self.began.emit(address)

    def first_shown(self, run: str, listing: Listing) -> str:
        """What to show of a run at first: what was shown of its model. Empty if there is no such thing."""
        wanted = self._tensors.get(run, "")
        return wanted if any(info.address == wanted for info in listing.tensors) else ""
