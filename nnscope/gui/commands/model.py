"""The Model menu: tensors, statistics, and the live model behind the active pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.gui.comparing import ask_for_source
from nnscope.gui.live import LiveState

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from nnscope.gui.fitting.fitter import Fitter
    from nnscope.gui.tree.panel import TreePanel
    from nnscope.scene.controller import Controller


class ModelCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, controller: Controller, tree: TreePanel, fitter: Fitter, window: QWidget) -> None:
        self._window = window
        self._controller = controller
        self._tree = tree
        self._fitter = fitter

    def next_tensor(self) -> None:
        """Show the next tensor of the listing."""
        self._controller.step_tensor(1)

    def previous_tensor(self) -> None:
        """Show the one before."""
        self._controller.step_tensor(-1)

    def filter(self) -> None:
        """Type into the filter."""
        self._tree.focus_filter()

    def spectrum(self) -> None:
        """Compute the singular values of the active pane's tensor."""
        self._controller.request_spectrum()

    def exact_statistics(self) -> None:
        """Compute statistics over every value, where a sample was enough so far."""
        pane = self._controller.workspace.pane
        self._controller.request_stats(pane.source, pane.address, exact=True)

    def fit_field(self) -> None:
        """Fit a sum of Gaussians to what the active pane shows."""
        self._fitter.ask()

    def compare_codes(self) -> None:
        """Compare a field of what the active pane shows with other codes of as many bytes."""
        self._fitter.coder.ask()

    def compare_source(self) -> None:
        """Show the tensor of the active pane beside that of another file or run, and the difference."""
        ask_for_source(self._controller, self._window)

    def next_sample(self) -> None:
        """Run the next input through the model."""
        self._step_sample(1)

    def previous_sample(self) -> None:
        """Run the one before."""
        self._step_sample(-1)

    def choose_sample(self, index: int) -> None:
        """Run an input through the model."""
        self._controller.control(self._key, "sample", index=index)

    def restart(self) -> None:
        """Start the model process again."""
        self._controller.restart(self._key)

    @property
    def _key(self) -> str:
        return self._controller.workspace.pane.source

    def _live(self) -> LiveState | None:
        return LiveState.of(self._controller.library.sources.get(self._key))

    def _step_sample(self, by: int) -> None:
        state = self._live()
        if state is not None and state.samples and not state.training:
            self.choose_sample((state.sample + by) % len(state.samples))
